package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Sha256;
import dev.berth.api.Text;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What uv or pip unpacked: checked, stripped of what would run by itself, and made read-only. */
final class DependencyTree {
  private static final Set<PosixFilePermission> READ = PosixFilePermissions.fromString("r--r--r--");
  private static final Set<PosixFilePermission> RUN = PosixFilePermissions.fromString("r-xr-xr-x");

  private final Path root;

  DependencyTree(Path root) {
    this.root = root;
  }

  /**
   * Checks that there are files and folders only, and that each file is the one that the wheel it
   * came with lists in its RECORD (PEP 376, PEP 427).
   *
   * @throws PluginException {@code dependency_invalid}, naming the file
   */
  void check() throws IOException {
    List<Path> files = files();
    Map<Path, Set<String>> recorded = new HashMap<>();
    for (Path file : files) {
      Path place = root.relativize(file);
      if (place.getNameCount() == 2
          && place.endsWith("RECORD")
          && place.getName(0).toString().endsWith(".dist-info")) {
        for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
          read(line, recorded);
        }
      }
    }
    for (Path file : files) {
      // Two projects may bring the same file; the one that was unpacked last is there.
      Set<String> hashes = recorded.getOrDefault(file, Set.of());
      if (!hashes.isEmpty() && !hashes.contains(digest(file))) {
        throw new PluginException(
            ErrorCode.DEPENDENCY_INVALID,
            "The dependencies' file "
                + Text.printable(root.relativize(file).toString(), 200)
                + " is not the one its wheel lists in RECORD. Use another version of that"
                + " package, and tell its maintainers.");
      }
    }
  }

  private void read(String line, Map<Path, Set<String>> recorded) {
    int hash = line.lastIndexOf(",sha256=");
    if (hash <= 0) {
      return; // A file that can't hold its own hash, such as RECORD.
    }
    String name = line.substring(0, hash);
    if (name.length() > 1 && name.startsWith("\"") && name.endsWith("\"")) {
      name = name.substring(1, name.length() - 1).replace("\"\"", "\"");
    }
    String value = line.substring(hash + ",sha256=".length());
    int end = value.indexOf(',');
    try {
      recorded
          .computeIfAbsent(root.resolve(name).normalize(), _ -> new HashSet<>())
          .add(end < 0 ? value : value.substring(0, end));
    } catch (InvalidPathException e) {
      return; // No file can have that name, so none has to match it.
    }
  }

  /**
   * Removes what Python runs at its start wherever this folder is on the path: {@code .pth} files
   * and sitecustomize. A plugin's Python does neither; an operator's, looking into it, would.
   *
   * @return what was removed
   */
  List<String> removeStartupHooks() throws IOException {
    List<Path> hooks;
    try (Stream<Path> top = Files.list(root)) {
      hooks =
          top.filter(path ->
                  path.getFileName()
                      .toString()
                      .matches("(?i).*\\.pth|(?:site|user)customize(?:\\..*)?|\\.lock"))
              .sorted()
              .toList();
    }
    var names = new ArrayList<String>();
    for (Path hook : hooks) {
      TreeRemover.remove(hook);
      if (!hook.endsWith(".lock")) { // uv's own
        names.add(hook.getFileName().toString());
      }
    }
    return names;
  }

  /** Makes everything read-only, for everybody to read. The root folder's own mode is left. */
  void seal() throws IOException {
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            boolean runs =
                Files.getPosixFilePermissions(file).contains(PosixFilePermission.OWNER_EXECUTE);
            Files.setPosixFilePermissions(file, runs ? RUN : READ);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            if (!folder.equals(root)) {
              Files.setPosixFilePermissions(folder, RUN);
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private List<Path> files() throws IOException {
    var files = new ArrayList<Path>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (!attributes.isRegularFile()) {
              throw new PluginException(
                  ErrorCode.DEPENDENCY_INVALID,
                  "The dependencies hold "
                      + Text.printable(root.relativize(file).toString(), 200)
                      + ", which is a link or a device. Use another version of that package.");
            }
            files.add(file);
            return FileVisitResult.CONTINUE;
          }
        });
    return files;
  }

  /** As a RECORD has it (PEP 376). */
  private static String digest(Path file) throws IOException {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(Sha256.of(file));
  }
}
