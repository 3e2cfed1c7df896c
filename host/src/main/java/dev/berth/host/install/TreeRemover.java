package dev.berth.host.install;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Deletes folders in which a stranger may have made links, and may be making them still: links are
 * deleted, never followed. Every step goes from an open folder to a name in it (openat, unlinkat),
 * so a folder swapped for a link between two steps is not entered.
 */
public final class TreeRemover {
  /** Folders held open at once. What lies deeper is moved up first, so no tree is too deep. */
  private static final int DEPTH = 32;

  private static final String MOVED = ".berth-deep-";

  private final SecureDirectoryStream<Path> top;
  private int moved;

  private TreeRemover(SecureDirectoryStream<Path> top) {
    this.top = top;
  }

  /**
   * Deletes {@code tree} and all that is in it; nothing happens when it isn't there. When {@code
   * tree} is itself a link or a file, that alone is deleted. The folder that {@code tree} is in
   * must be one that only the host can write.
   *
   * @throws IOException when something in it can't be deleted
   */
  public static void remove(Path tree) throws IOException {
    Path parent = tree.toAbsolutePath().getParent();
    Path name = tree.getFileName();
    if (parent == null || name == null) {
      throw new IOException("Not removing the root folder.");
    }
    if (!Files.exists(tree, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(parent)) {
      if (!(stream instanceof SecureDirectoryStream<Path> folder)) {
        throw new IOException("This file system has no openat(2), so nothing is deleted on it.");
      }
      if (!isFolder(folder, name)) {
        folder.deleteFile(name);
        return;
      }
      while (emptyOnce(folder, name) > 0) {
        // What was moved up may have gone unseen: a folder is listed only once.
      }
      folder.deleteDirectory(name);
    }
  }

  private static int emptyOnce(SecureDirectoryStream<Path> folder, Path name) throws IOException {
    try (SecureDirectoryStream<Path> top = open(folder, name)) {
      var remover = new TreeRemover(top);
      remover.empty(top, 1);
      return remover.moved;
    }
  }

  private void empty(SecureDirectoryStream<Path> folder, int depth) throws IOException {
    for (Path entry : folder) {
      Path name = entry.getFileName();
      if (!isFolder(folder, name)) {
        folder.deleteFile(name);
      } else if (depth == DEPTH) {
        folder.move(name, top, Path.of(MOVED + System.nanoTime() + "-" + moved++));
      } else {
        try (SecureDirectoryStream<Path> inner = open(folder, name)) {
          empty(inner, depth + 1);
        }
        folder.deleteDirectory(name);
      }
    }
  }

  private static SecureDirectoryStream<Path> open(SecureDirectoryStream<Path> folder, Path name)
      throws IOException {
    SecureDirectoryStream<Path> inner = folder.newDirectoryStream(name, LinkOption.NOFOLLOW_LINKS);
    // Packages are read-only; their owner may change that. Root needs no permission.
    inner
        .getFileAttributeView(PosixFileAttributeView.class)
        .setPermissions(PosixFilePermissions.fromString("rwx------"));
    return inner;
  }

  private static boolean isFolder(SecureDirectoryStream<Path> folder, Path name)
      throws IOException {
    return folder
        .getFileAttributeView(name, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .readAttributes()
        .isDirectory();
  }
}
