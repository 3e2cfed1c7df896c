package dev.berth.host.install;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Wheels and source archives made for a test, in a folder that serves as the index. */
final class Wheels {
  private final Path folder;

  Wheels(Path folder) throws IOException {
    this.folder = Files.createDirectories(folder);
  }

  Path folder() {
    return folder;
  }

  /** A wheel with one module {@code name.py} that has the version as {@code VERSION}. */
  Path wheel(String name, String version, String... requires) throws IOException {
    return wheel(
        name,
        version,
        List.of(requires),
        Map.of(name + ".py", "VERSION = '" + version + "'\n"),
        Map.of());
  }

  /** The same of a release for some versions of Python, e.g. {@code >=3.12}. */
  Path wheelFor(String python, String name, String version) throws IOException {
    return wheel(
        name,
        version,
        "Requires-Python: " + python + "\n",
        Map.of(name + ".py", "VERSION = '" + version + "'\n"),
        Map.of());
  }

  /**
   * @param files beside the metadata
   * @param replaced what some of the files hold in truth, while RECORD goes by {@code files}
   */
  Path wheel(
      String name,
      String version,
      List<String> requires,
      Map<String, String> files,
      Map<String, String> replaced)
      throws IOException {
    String lines =
        requires.stream().map(r -> "Requires-Dist: " + r + "\n").collect(Collectors.joining());
    return wheel(name, version, lines, files, replaced);
  }

  private Path wheel(
      String name,
      String version,
      String lines,
      Map<String, String> files,
      Map<String, String> replaced)
      throws IOException {
    String info = name + "-" + version + ".dist-info/";
    var all = new LinkedHashMap<>(files);
    all.put(
        info + "METADATA",
        "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n" + lines);
    all.put(
        info + "WHEEL",
        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
    var record = new StringBuilder();
    all.forEach((path, text) ->
        record
            .append(path)
            .append(",sha256=")
            .append(
                Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString(sha256(text.getBytes(StandardCharsets.UTF_8))))
            .append(',')
            .append(text.length())
            .append('\n'));
    record.append(info).append("RECORD,,\n");
    all.put(info + "RECORD", record.toString());
    all.putAll(replaced);
    Path wheel = folder.resolve(name + "-" + version + "-py3-none-any.whl");
    try (var zip = new ZipOutputStream(Files.newOutputStream(wheel))) {
      for (var entry : all.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue().getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
      }
    }
    return wheel;
  }

  /** A source archive whose setup.py runs {@code code}. */
  Path source(String name, String version, String code) throws IOException {
    Path archive = folder.resolve(name + "-" + version + ".zip");
    Map<String, String> files =
        Map.of(
            "setup.py",
            code + "\nfrom setuptools import setup\nsetup(name='" + name + "')\n",
            "PKG-INFO",
            "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n");
    try (var zip = new ZipOutputStream(Files.newOutputStream(archive))) {
      for (var file : files.entrySet()) {
        zip.putNextEntry(new ZipEntry(name + "-" + version + "/" + file.getKey()));
        zip.write(file.getValue().getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
      }
    }
    return archive;
  }

  static String hex(byte[] content) {
    return HexFormat.of().formatHex(sha256(content));
  }

  private static byte[] sha256(byte[] content) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(content);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
