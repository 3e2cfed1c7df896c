package dev.berth.host.install;

import dev.berth.api.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What names a package: SHA-256 over one line for each file, {@code MODE DIGEST PATH}, sorted by
 * path, after a first line that names this form. Paths and modes are in it, so that the same bytes
 * under another name are another package.
 */
final class PackageDigest {
  static final Pattern FORM = Pattern.compile("sha256-[0-9a-f]{64}");

  private static final String READ_ONLY = "0444";

  private PackageDigest() {}

  /** Of files that are, or are about to be, mode 0444. */
  static String of(SortedMap<String, PackedFile> files) {
    SortedMap<String, String> lines = new TreeMap<>();
    files.forEach((path, file) -> lines.put(path, READ_ONLY + " " + file.sha256()));
    return ofLines(lines);
  }

  /** Of a tree on disk, read through. Anything in it that is no plain file is an error. */
  static String of(Path tree) throws IOException {
    SortedMap<String, String> lines = new TreeMap<>();
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (!attributes.isRegularFile()) {
              throw new IOException(file + " is not a plain file");
            }
            var path = new StringBuilder();
            for (Path step : tree.relativize(file)) {
              path.append(path.isEmpty() ? "" : "/").append(step);
            }
            lines.put(path.toString(), mode(file) + " " + digest(file));
            return FileVisitResult.CONTINUE;
          }
        });
    return ofLines(lines);
  }

  private static String ofLines(Map<String, String> lines) {
    MessageDigest all = Sha256.digest();
    all.update("berth package 1\n".getBytes(StandardCharsets.UTF_8));
    lines.forEach(
        (path, line) -> all.update((line + " " + path + "\n").getBytes(StandardCharsets.UTF_8)));
    return "sha256-" + HexFormat.of().formatHex(all.digest());
  }

  private static String mode(Path file) throws IOException {
    int mode = (int) Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    return String.format("%04o", mode & 07777);
  }

  private static String digest(Path file) throws IOException {
    MessageDigest digest = Sha256.digest();
    byte[] buffer = new byte[64 << 10];
    try (InputStream in =
        Files.newInputStream(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
