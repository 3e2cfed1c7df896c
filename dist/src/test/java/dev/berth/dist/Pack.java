package dev.berth.dist;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Makes archives with the tools an author would use. */
final class Pack {
  private Pack() {}

  /** {@code tar -czf into/name.tar.gz folder/}, run from the folder's parent. */
  static Path tar(Path folder, Path into) {
    Path archive = into.resolve(folder.getFileName() + ".tar.gz");
    run(folder.getParent(), "tar", "-czf", archive.toString(), folder.getFileName() + "/");
    return archive;
  }

  /** The same without the top folder. */
  static Path flatTar(Path folder, Path into, String name) {
    Path archive = into.resolve(name);
    run(folder, "tar", "-czf", archive.toString(), ".");
    return archive;
  }

  static Path zip(Path folder, Path into) {
    Path archive = into.resolve(folder.getFileName() + ".zip");
    run(folder.getParent(), "zip", "-q", "-r", archive.toString(), folder.getFileName().toString());
    return archive;
  }

  /** A plugin of one file, packed. */
  static Path plugin(Path into, String name, String main) {
    return plugin(into, name, "1.0.0", "", main);
  }

  /** A plugin of one file with more lines in its plugin.yaml, packed. */
  static Path plugin(Path into, String name, String version, String yaml, String main) {
    try {
      Path folder = Files.createTempDirectory(into, "plugin").resolve(name);
      write(
          folder,
          Map.of(
              "plugin.yaml",
              "name: " + name + "\nversion: " + version + "\nmain: main.py\nclass: P\n" + yaml,
              "main.py",
              main));
      return tar(folder, folder.getParent());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** The main.py of a plugin with another name and other lines in its plugin.yaml, packed. */
  static Path variant(Path plugin, Path into, String name, String yaml) {
    try {
      Path folder = Files.createTempDirectory(into, "plugin").resolve(name);
      String manifest = "name: " + name + "\nversion: 1.0.0\ndescription: x\n" + yaml;
      String main = Files.readString(plugin.resolve("main.py"));
      write(folder, Map.of("plugin.yaml", manifest, "main.py", main));
      return tar(folder, folder.getParent());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  static void write(Path folder, Map<String, String> files) throws IOException {
    for (var file : files.entrySet()) {
      Path target = folder.resolve(file.getKey());
      Files.createDirectories(target.getParent());
      Files.writeString(target, file.getValue());
    }
  }

  static void run(Path in, String... command) {
    try {
      Process process =
          new ProcessBuilder(command).directory(in.toFile()).redirectErrorStream(true).start();
      String said =
          new String(
              process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new AssertionError(String.join(" ", command) + ": " + said);
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
