package dev.berth.sandbox;

import dev.berth.api.DiskFull;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the file systems that plugins' {@code /data} is kept in, each in a file {@code data.img} in
 * the plugin's folder, which then is the host's own. See berth_runtime/volumes.py, which mounts
 * them.
 */
final class VolumeImages {
  static final String IMAGE = "data.img";
  private static final Logger log = LoggerFactory.getLogger(VolumeImages.class);
  private static final int SECONDS = 120;
  private static final long PROBE_BYTES = 8L << 20;

  /** From this on a file is expected to take 16 KiB on average, below it 4. */
  private static final long LARGE_BYTES = 512L << 20;

  /** Below this a file system is nothing but its own book-keeping. */
  private static final long LEAST_BYTES = 8L << 20;

  private static final List<Path> PLACES =
      List.of(Path.of("/usr/sbin"), Path.of("/sbin"), Path.of("/usr/bin"));

  private final Path mkfs;

  private VolumeImages(Path mkfs) {
    this.mkfs = mkfs;
  }

  /** Null when this host has no mkfs.ext4, or this program isn't root. */
  static @Nullable VolumeImages find() {
    if (!HostUser.isRoot()) {
      return null;
    }
    return PLACES.stream()
        .map(place -> place.resolve("mkfs.ext4"))
        .filter(Files::isExecutable)
        .findFirst()
        .map(VolumeImages::new)
        .orElse(null);
  }

  /** A small image to try mounting with. */
  Path probe(Path folder) throws IOException {
    Path image = folder.resolve("probe.img");
    Files.deleteIfExists(image);
    make(image, PROBE_BYTES, 0);
    return image;
  }

  /**
   * The image of a plugin's folder, made when there is none. A folder whose files lie in it as they
   * are, of an earlier version or of a host that could not do better, is taken over.
   *
   * @param owner the plugin's uid
   * @throws PluginException {@code disk_full}, {@code sandbox_unavailable}; nothing has changed
   *     then
   */
  Path prepare(PluginId plugin, Path folder, long bytes, int owner) {
    Path image = folder.resolve(IMAGE);
    try {
      Path old = beside(folder, ".old");
      if (Files.exists(old, LinkOption.NOFOLLOW_LINKS)
          && Files.notExists(folder, LinkOption.NOFOLLOW_LINKS)) {
        Files.move(old, folder, StandardCopyOption.ATOMIC_MOVE); // a host died in between
      }
      if (isOurs(folder) && Files.isRegularFile(image, LinkOption.NOFOLLOW_LINKS)) {
        if (Files.exists(old, LinkOption.NOFOLLOW_LINKS)) {
          delete(old);
        }
        grow(plugin, image, bytes);
        return image;
      }
      boolean takeOver = Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS);
      Path fresh = beside(folder, ".new");
      delete(fresh);
      Files.createDirectories(fresh.getParent());
      Files.createDirectory(
          fresh,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      try {
        make(fresh.resolve(IMAGE), Math.max(bytes, LEAST_BYTES), owner);
        if (takeOver) {
          copy(folder, fresh.resolve(IMAGE), Files.createDirectory(fresh.resolve("mounted")));
          Files.move(folder, old, StandardCopyOption.ATOMIC_MOVE);
        }
        Files.move(fresh, folder, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        delete(fresh);
      }
      if (takeOver) {
        log.info("The folder of {} has a size limit now: its files moved to {}", plugin, image);
        delete(old);
      }
      return image;
    } catch (IOException e) {
      String why =
          "The folder of plugin "
              + plugin
              + ", "
              + folder
              + ", can't be made ready: "
              + e.getMessage();
      if (DiskFull.is(e)) {
        throw new PluginException(
            ErrorCode.DISK_FULL, why + ". Free some space, or serve with a larger --data-size.", e);
      }
      throw StartFailure.of(why, false, e);
    }
  }

  /**
   * Lets an image that is smaller than it should be grow. Not while it is mounted: then the next
   * start does it. One that is larger stays as it is, since shrinking could lose files.
   */
  private void grow(PluginId plugin, Path image, long bytes) throws IOException {
    if (Files.size(image) >= bytes) {
      return;
    }
    // The launcher holds the same lock for as long as the image is mounted.
    List<String> locked = List.of("flock", "-n", image.toString());
    try {
      run(locked, "e2fsck", "-f", "-p", image.toString());
      run(locked, "resize2fs", image.toString(), bytes / 1024 + "K");
      log.info("The /data of {} holds {} MiB now", plugin, bytes >> 20);
    } catch (IOException e) {
      log.warn("The /data of {} keeps its size for now: {}", plugin, e.getMessage());
    }
  }

  private static Path beside(Path folder, String suffix) {
    return folder.resolveSibling(folder.getFileName() + suffix);
  }

  /** Whether the folder is the host's own: a plugin that wrote a data.img owns its folder. */
  private static boolean isOurs(Path folder) throws IOException {
    return Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
        && Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS).equals(0);
  }

  /**
   * Copies a plugin's files into an image. By cp(1), which follows no link, over a mount that ends
   * with it: mkfs.ext4 can fill an image too, but crashes on deep trees.
   */
  private static void copy(Path folder, Path image, Path mounted) throws IOException {
    String script =
        "mount -o loop,nosuid,nodev,noexec \"$1\" \"$2\" && cp -a -- \"$3/.\" \"$2/\" && umount \"$2\"";
    run(
        List.of("unshare", "--mount", "--propagation", "private"),
        "sh",
        "-c",
        script,
        "sh",
        image.toString(),
        mounted.toString(),
        folder.toString());
    Files.delete(mounted);
  }

  /** Makes an image. */
  private void make(Path image, long bytes, int owner) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(mkfs.toString());
    command.addAll(List.of("-q", "-F", "-m", "0", "-b", "4096", "-E"));
    command.add("root_owner=" + owner + ":" + owner + ",nodiscard,lazy_itable_init=1");
    command.addAll(bytes < (256L << 20) ? List.of("-O", "^has_journal") : List.of("-J", "size=4"));
    // Said here, so that how many files it holds is not for the machine's mke2fs.conf to say.
    command.addAll(List.of("-i", bytes < LARGE_BYTES ? "4096" : "16384"));
    command.add(image.toString());
    command.add(bytes / 1024 + "k");
    run(List.of(), command.toArray(String[]::new));
    Files.setPosixFilePermissions(image, PosixFilePermissions.fromString("rw-------"));
  }

  /** Runs a program to its end. */
  private static void run(List<String> before, String... command) throws IOException {
    List<String> words = new ArrayList<>(before);
    words.addAll(List.of(command));
    ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().put("LC_ALL", "C");
    builder.environment().put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    Process process = builder.start();
    try {
      process.getOutputStream().close();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        throw new IOException(command[0] + " did not end within " + SECONDS + " s");
      }
      int status = process.exitValue();
      // e2fsck ends with 1 when it mended something; see e2fsck(8).
      if (status != 0 && !(command[0].equals("e2fsck") && status == 1)) {
        throw new IOException(
            command[0]
                + ": "
                + (said.isBlank() ? "it is mounted, or ended with " + status : said.strip()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      process.destroyForcibly();
    }
  }

  /** By rm(1), which follows no link and minds no depth. */
  private static void delete(Path tree) throws IOException {
    if (Files.exists(tree, LinkOption.NOFOLLOW_LINKS)) {
      run(List.of(), "rm", "-rf", "--one-file-system", "--", tree.toString());
    }
  }
}
