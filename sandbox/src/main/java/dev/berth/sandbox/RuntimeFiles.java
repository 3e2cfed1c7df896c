package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Sha256;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;

/** The Python side of the runtime: packed in this module, laid out on disk for the interpreter. */
final class RuntimeFiles {
  private static final String ROOT = "/dev/berth/sandbox/python";

  private RuntimeFiles() {}

  /**
   * Lays the files out in {@code <dataDir>/runtime/<digest>/} unless they are there, and removes
   * other versions.
   *
   * @return the folder
   * @throws PluginException {@code sandbox_unavailable} when that can't be done
   */
  static Path unpack(Path dataDir) {
    try {
      SortedMap<String, byte[]> files = packed();
      Path all = Files.createDirectories(dataDir.resolve("runtime"));
      Path folder = all.resolve(digest(files));
      if (!holds(folder, files)) {
        // Renamed into place when complete, so that a host that dies here leaves no half of it.
        Path fresh = all.resolve("." + UUID.randomUUID());
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
          Path target = fresh.resolve(file.getKey());
          Files.createDirectories(target.getParent());
          Files.write(target, file.getValue());
        }
        letAllRead(fresh);
        delete(folder);
        Files.move(fresh, folder, StandardCopyOption.ATOMIC_MOVE);
      }
      try (Stream<Path> others = Files.list(all)) {
        for (Path other : others.filter(path -> !path.equals(folder)).toList()) {
          delete(other);
        }
      }
      return folder;
    } catch (IOException | URISyntaxException e) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE,
          "The plugin runtime could not be written to " + dataDir + ": " + e,
          e);
    }
  }

  /** Path below the folder to content. */
  static SortedMap<String, byte[]> packed() throws IOException, URISyntaxException {
    URL url = RuntimeFiles.class.getResource(ROOT);
    if (url == null) {
      throw new IOException("the runtime's files are missing from this build");
    }
    URI uri = url.toURI();
    if (!uri.getScheme().equals("jar")) {
      return read(Path.of(uri));
    }
    String[] parts = uri.toString().split("!", 2);
    try (FileSystem jar = FileSystems.newFileSystem(Path.of(URI.create(parts[0].substring(4))))) {
      return read(jar.getPath(parts[1]));
    }
  }

  private static SortedMap<String, byte[]> read(Path root) throws IOException {
    SortedMap<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(root)) {
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        files.put(root.relativize(path).toString(), Files.readAllBytes(path));
      }
    }
    return files;
  }

  /** Whatever the host's umask: plugins read these under their own uid. */
  private static void letAllRead(Path folder) throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.toList()) {
        String mode = Files.isDirectory(path) ? "rwxr-xr-x" : "rw-r--r--";
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
      }
    }
  }

  private static boolean holds(Path folder, SortedMap<String, byte[]> files) throws IOException {
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      Path path = folder.resolve(file.getKey());
      if (!Files.isRegularFile(path)
          || !MessageDigest.isEqual(Files.readAllBytes(path), file.getValue())) {
        return false;
      }
    }
    return true;
  }

  private static String digest(SortedMap<String, byte[]> files) {
    MessageDigest sha = Sha256.digest();
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      sha.update(
          (file.getKey() + "\0" + file.getValue().length + "\0").getBytes(StandardCharsets.UTF_8));
      sha.update(file.getValue());
    }
    return HexFormat.of().formatHex(sha.digest(), 0, 8);
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
