package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** The two formats taken, each told by its first bytes and held against the file's name. */
enum ArchiveFormat {
  TAR_GZ,
  ZIP;

  /** How many bytes of a file {@link #of} wants to see. */
  static final int HEAD = 262;

  private static final String WANTED =
      "pack the plugin with `tar -czf NAME.tar.gz FOLDER/` or `zip -r NAME.zip FOLDER/`";

  /**
   * @param name the file's name, in any case
   * @param head its first bytes, {@link #HEAD} of them or all
   */
  static ArchiveFormat of(String name, byte[] head, Unpacking unpacking) {
    String lower = name.toLowerCase(Locale.ROOT);
    ArchiveFormat byName =
        lower.endsWith(".tar.gz") || lower.endsWith(".tgz")
            ? TAR_GZ
            : lower.endsWith(".zip") ? ZIP : null;
    if (byName == null) {
      throw unpacking.refuse(
          ErrorCode.ARCHIVE_UNSUPPORTED,
          "the name of an archive ends in .tar.gz, .tgz or .zip; " + WANTED);
    }
    String found = kind(head);
    boolean fits =
        switch (byName) {
          case TAR_GZ -> found.equals("gzip");
          case ZIP -> found.equals("ZIP");
        };
    if (!fits) {
      throw unpacking.refuse(
          ErrorCode.ARCHIVE_UNSUPPORTED,
          "it is named as "
              + (byName == ZIP ? "ZIP" : "a gzipped tar")
              + " but holds "
              + found
              + "; "
              + WANTED);
    }
    return byName;
  }

  private static String kind(byte[] head) {
    if (head.length == 0) {
      return "nothing";
    }
    if (at(head, 0, 0x1f, 0x8b)) {
      return "gzip";
    }
    if (at(head, 0, 'P', 'K', 3, 4) || at(head, 0, 'P', 'K', 5, 6)) {
      return "ZIP";
    }
    if (at(head, 0, 0xfd, '7', 'z', 'X', 'Z')) {
      return "xz";
    }
    if (at(head, 0, '7', 'z', 0xbc, 0xaf)) {
      return "7-Zip";
    }
    if (at(head, 0, 0x28, 0xb5, 0x2f, 0xfd)) {
      return "Zstandard";
    }
    if (at(head, 0, 'B', 'Z', 'h')) {
      return "bzip2";
    }
    if (at(head, 0, 'R', 'a', 'r', '!')) {
      return "RAR";
    }
    if (at(head, 0, 0x7f, 'E', 'L', 'F') || at(head, 0, 'M', 'Z')) {
      return "a program";
    }
    if (at(head, 257, 'u', 's', 't', 'a', 'r')) {
      return "a tar that is not compressed";
    }
    String text = new String(head, StandardCharsets.ISO_8859_1).strip().toLowerCase(Locale.ROOT);
    return text.startsWith("<!doctype") || text.startsWith("<html")
        ? "a web page"
        : "something else";
  }

  private static boolean at(byte[] head, int offset, int... expected) {
    if (head.length < offset + expected.length) {
      return false;
    }
    for (int i = 0; i < expected.length; i++) {
      if ((head[offset + i] & 0xff) != expected[i]) {
        return false;
      }
    }
    return true;
  }
}
