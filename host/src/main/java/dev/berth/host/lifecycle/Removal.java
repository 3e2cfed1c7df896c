package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.host.install.TreeRemover;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes plugins' own folders. A folder is first moved away whole, which either happens or not;
 * what is in it, however much a plugin made of it, is then deleted at leisure.
 */
final class Removal {
  private static final Logger LOG = LoggerFactory.getLogger(Removal.class);

  /** How long an uninstall waits for the deletion before it leaves it to the background. */
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private final Paths paths;
  private final Executor background;

  Removal(Paths paths, Executor background) {
    this.paths = paths;
    this.background = background;
  }

  /**
   * Takes a plugin's folder out of its place.
   *
   * @return where it is now, for {@link #putBack}; null when it had none
   * @throws PluginException {@code internal}
   */
  @Nullable Path moveAway(PluginId id) {
    Path volume = paths.volume(id);
    Path gone = paths.trash().resolve(id + "-" + Long.toUnsignedString(System.nanoTime(), 36));
    try {
      Files.createDirectories(paths.trash());
      Files.move(volume, gone, StandardCopyOption.ATOMIC_MOVE);
      return gone;
    } catch (NoSuchFileException _) {
      return null; // It was never started.
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.INTERNAL,
          id + ": its folder " + volume + " can't be moved away: " + e + ". Nothing is removed.",
          e);
    }
  }

  /** Undoes {@link #moveAway}: its plugin stays after all. */
  void putBack(PluginId id, @Nullable Path gone) {
    try {
      if (gone != null) {
        Files.move(gone, paths.volume(id), StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (IOException e) {
      LOG.error("{}: its folder can't be put back from {}: {}", id, gone, e.toString());
    }
  }

  /** Deletes what was moved away; goes on in the background when that takes long. */
  void emptyTrash() {
    CompletableFuture<Void> done = CompletableFuture.runAsync(this::deleteTrash, background);
    boolean _ = Await.done(done, PATIENCE);
  }

  private synchronized void deleteTrash() {
    if (!Files.isDirectory(paths.trash(), LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (DirectoryStream<Path> trees = Files.newDirectoryStream(paths.trash())) {
      for (Path tree : trees) {
        TreeRemover.remove(tree);
      }
    } catch (IOException e) {
      LOG.warn("{} is not empty yet, the next start tries again: {}", paths.trash(), e.toString());
    }
  }

  /** Moves away the folders and deletes the logs and errors of plugins that are none any more. */
  void forgetOthersThan(Set<PluginId> plugins) {
    for (String name : names(paths.volumes())) {
      if (!plugins.contains(idOf(name))) {
        Path _ = moveAway(idOf(name));
      }
    }
    for (String name : names(paths.logs())) {
      PluginId id = idOf(name.replaceFirst("\\..*", ""));
      if (!plugins.contains(id)) {
        deleteLog(id);
      }
    }
  }

  private void deleteLog(PluginId id) {
    try {
      new LogFile(paths.log(id)).delete();
      new ErrorFile(paths.errors(id)).delete();
    } catch (IOException e) {
      LOG.warn("{}: its old log can't be deleted: {}", id, e.toString());
    }
  }

  private static PluginId idOf(String name) {
    return new PluginId(name);
  }

  /** The names in {@code folder} that may be a plugin's; other things there are not ours. */
  private static Set<String> names(Path folder) {
    var names = new java.util.TreeSet<String>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, "plugin_*")) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        if (name.matches("plugin_[0-9a-z]{1,32}(\\.ndjson(\\.1)?|\\.errors(\\.new)?)?")) {
          names.add(name);
        }
      }
    } catch (NoSuchFileException _) {
      // Nothing there yet.
    } catch (IOException e) {
      LOG.warn("{} can't be read: {}", folder, e.toString());
    }
    return names;
  }
}
