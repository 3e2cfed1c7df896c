package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.text.Normalizer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One archive being unpacked into a folder of its own. Every entry, whatever its format, comes
 * through here: names are checked, everything is counted, nothing but new plain files is made.
 */
final class Unpacking {
  /** Below this much unpacked, no ratio is too high: small text packs well. */
  private static final long RATIO_FROM = 1 << 20;

  private final String archive;
  private final ArchiveLimits limits;
  private final Path tree;
  private final long deadline;
  private final SortedMap<String, PackedFile> files = new TreeMap<>();

  /** Every path taken, by what two paths that are easily mistaken for each other share. */
  private final Map<String, String> taken = new HashMap<>();

  private int entries;
  private long unpacked;

  /**
   * @param archive its file name, for messages
   * @param tree an empty folder that only the host can write
   */
  Unpacking(String archive, ArchiveLimits limits, Path tree) {
    this.archive = Text.printable(archive, 120);
    this.limits = limits;
    this.tree = tree;
    this.deadline = System.nanoTime() + limits.time().toNanos();
  }

  ArchiveLimits limits() {
    return limits;
  }

  /** What was unpacked, by path. */
  SortedMap<String, PackedFile> files() {
    return files;
  }

  /** The archive as a whole is refused. */
  PluginException refuse(ErrorCode code, String why) {
    return new PluginException(code, archive + ": " + why + ".", Map.of("archive", archive), null);
  }

  /** The archive is refused for one entry; {@code why} goes on from its name. */
  PluginException refuse(ErrorCode code, byte[] entry, String why) {
    String name = Text.printable(new String(entry, StandardCharsets.UTF_8), 120);
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("archive", archive);
    details.put("entry", name);
    return new PluginException(
        code, archive + ": the entry \"" + name + "\" " + why + ".", details, null);
  }

  /** Counts one more entry of any kind. */
  void count() {
    if (++entries > limits.entries()) {
      throw tooMany();
    }
  }

  PluginException tooMany() {
    return refuse(
        ErrorCode.ARCHIVE_TOO_MANY_ENTRIES,
        "it has more than " + limits.entries() + " entries, which is the most it may");
  }

  /** To be called now and then while reading. */
  void checkTime() {
    if (System.nanoTime() - deadline > 0) {
      throw refuse(
          ErrorCode.ARCHIVE_TIMEOUT,
          "reading it took more than " + limits.time().toSeconds() + " s; make it smaller");
    }
  }

  void checkRatio(long out, long in) {
    if (out > RATIO_FROM && out / Math.max(1, in) >= limits.ratio()) {
      throw refuse(
          ErrorCode.ARCHIVE_TOO_LARGE,
          "it unpacks to more than " + limits.ratio() + " times its size");
    }
  }

  /** A folder. It is made when a file in it is; one without files is not kept. */
  void folder(byte[] rawName) {
    EntryName name = name(rawName);
    if (!name.isLitter()) {
      take(rawName, name, true);
    }
  }

  /**
   * A file. What is written goes through the limits; the caller finishes and closes it.
   *
   * @param size what the archive says its size is
   */
  FileSink file(byte[] rawName, long size) throws IOException {
    EntryName name = name(rawName);
    if (name.folder()) {
      throw refuse(ErrorCode.ARCHIVE_MALFORMED, rawName, "is a file named as a folder");
    }
    if (size > limits.entryBytes() || unpacked + size > limits.unpackedBytes()) {
      throw tooLarge(rawName);
    }
    if (name.isLitter()) {
      return new FileSink(this, rawName, OutputStream.nullOutputStream(), null);
    }
    take(rawName, name, false);
    Path path;
    try {
      path = tree.resolve(name.path());
    } catch (InvalidPathException e) {
      throw refuse(
          ErrorCode.ARCHIVE_BAD_NAME,
          rawName,
          "can't be named in this host's locale; start it with LC_ALL=C.UTF-8 or rename the file");
    }
    Files.createDirectories(path.getParent() == null ? tree : path.getParent());
    OutputStream out =
        Files.newOutputStream(
            path,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            LinkOption.NOFOLLOW_LINKS);
    return new FileSink(this, rawName, out, name.path());
  }

  /** Counts bytes that are about to be written. */
  void countBytes(byte[] rawName, long ofEntry, int more) {
    unpacked += more;
    if (ofEntry > limits.entryBytes() || unpacked > limits.unpackedBytes()) {
      throw tooLarge(rawName);
    }
    checkTime();
  }

  void done(String path, PackedFile file) {
    files.put(path, file);
  }

  private PluginException tooLarge(byte[] rawName) {
    return refuse(
        ErrorCode.ARCHIVE_TOO_LARGE,
        rawName,
        "is too large; a file may have "
            + size(limits.entryBytes())
            + ", all together "
            + size(limits.unpackedBytes()));
  }

  /** {@code bytes} for people to read: in MiB where it is some. */
  static String size(long bytes) {
    return bytes < 1 << 20 ? bytes + " bytes" : (bytes >> 20) + " MiB";
  }

  private EntryName name(byte[] rawName) {
    try {
      return EntryName.parse(rawName, limits);
    } catch (EntryName.Refused e) {
      throw refuse(e.code(), rawName, e.why());
    }
  }

  private void take(byte[] rawName, EntryName name, boolean folder) {
    var path = new StringBuilder();
    for (int i = 0; i < name.steps().size(); i++) {
      boolean isFolder = folder || i < name.steps().size() - 1;
      path.append(name.steps().get(i));
      if (isFolder) {
        path.append('/');
      }
      String spelled = path.toString();
      String key =
          Normalizer.normalize(spelled, Normalizer.Form.NFKC)
              .toUpperCase(Locale.ROOT)
              .toLowerCase(Locale.ROOT);
      String plain = key.endsWith("/") ? key.substring(0, key.length() - 1) : key;
      String before = taken.putIfAbsent(plain, spelled);
      if (before == null) {
        continue;
      }
      if (!before.equals(spelled)) {
        throw refuse(
            bare(before).equals(bare(spelled))
                ? ErrorCode.ARCHIVE_MALFORMED
                : ErrorCode.ARCHIVE_BAD_NAME,
            rawName,
            "can't be told apart from \"" + Text.printable(before, 120) + "\" on every system");
      }
      if (!isFolder) {
        throw refuse(ErrorCode.ARCHIVE_MALFORMED, rawName, "is in it twice");
      }
    }
  }

  private static String bare(String path) {
    return path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
  }
}
