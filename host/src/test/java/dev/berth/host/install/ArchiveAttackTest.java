package dev.berth.host.install;

import static dev.berth.api.ErrorCode.ARCHIVE_BAD_NAME;
import static dev.berth.api.ErrorCode.ARCHIVE_LINK_NOT_ALLOWED;
import static dev.berth.api.ErrorCode.ARCHIVE_MALFORMED;
import static dev.berth.api.ErrorCode.ARCHIVE_OVERLAP;
import static dev.berth.api.ErrorCode.ARCHIVE_PATH_ESCAPE;
import static dev.berth.api.ErrorCode.ARCHIVE_SPARSE;
import static dev.berth.api.ErrorCode.ARCHIVE_SPECIAL_FILE;
import static dev.berth.api.ErrorCode.ARCHIVE_TOO_DEEP;
import static dev.berth.api.ErrorCode.ARCHIVE_TOO_LARGE;
import static dev.berth.api.ErrorCode.ARCHIVE_TOO_MANY_ENTRIES;
import static dev.berth.api.ErrorCode.ARCHIVE_UNSUPPORTED;
import static dev.berth.host.install.StoreFixture.MANIFEST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The class archive of the attack cases. */
class ArchiveAttackTest {
  @TempDir Path dir;
  private StoreFixture fixture;

  @BeforeEach
  void open() throws IOException {
    fixture = new StoreFixture(dir);
  }

  private static TarBytes tar() {
    return new TarBytes().file("plugin.yaml", MANIFEST).file("main.py", "");
  }

  private static ZipBytes zip() {
    return new ZipBytes().file("plugin.yaml", MANIFEST).file("main.py", "");
  }

  private String tarRefused(ErrorCode code, TarBytes tar) throws IOException {
    return fixture.refused(code, "a.tar.gz", tar.tarGz());
  }

  private String zipRefused(ErrorCode code, ZipBytes zip) throws IOException {
    return fixture.refused(code, "a.zip", zip.zip());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"../../etc/cron.d/x", "a/../../x", "..", "a/..", "../host/shadow", "./../x"})
  void ARC_01_zip_slip_dotdot(String name) throws IOException {
    assertThat(zipRefused(ARCHIVE_PATH_ESCAPE, zip().file(name, "x")))
        .isEqualTo("a.zip: the entry \"" + name + "\" has .. in its path.");
    tarRefused(ARCHIVE_PATH_ESCAPE, tar().file(name, "x"));
    tarRefused(ARCHIVE_PATH_ESCAPE, tar().folder(name));
    tarRefused(ARCHIVE_PATH_ESCAPE, tar().pax('x', "path=" + name).file("ok", "x"));
    tarRefused(ARCHIVE_PATH_ESCAPE, tar().longName(name).file("ok", "x"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/etc/passwd", "/tmp/x", "//x", "/"})
  void ARC_02_absolute_path(String name) throws IOException {
    assertThat(tarRefused(ARCHIVE_PATH_ESCAPE, tar().folder(name)))
        .isEqualTo(
            "a.tar.gz: the entry \""
                + name
                + "\" is an absolute path; pack a folder by its relative name.");
    if (!name.equals("/")) {
      zipRefused(ARCHIVE_PATH_ESCAPE, zip().file(name, "x"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"..\\..\\x", "C:\\x", "\\\\srv\\x", "C:/x", "c:x", "a\\b"})
  void ARC_03_backslash_and_drive_names(String name) throws IOException {
    zipRefused(ARCHIVE_BAD_NAME, zip().file(name, "x"));
    assertThat(tarRefused(ARCHIVE_BAD_NAME, tar().file(name, "x")))
        .isEqualTo(
            "a.tar.gz: the entry \""
                + name
                + "\" has a backslash or colon in its name; use / between names.");
  }

  @Test
  void ARC_04_symbolic_link_then_write_through_it() throws IOException {
    assertThat(
            tarRefused(
                ARCHIVE_LINK_NOT_ALLOWED,
                tar().link('2', "out", dir.resolve("host").toString()).file("out/shadow", "x")))
        .isEqualTo(
            "a.tar.gz: the entry \"out\" is a link; pack what it points to (tar -h"
                + " --hard-dereference).");
    tarRefused(ARCHIVE_LINK_NOT_ALLOWED, tar().link('2', "main2.py", "main.py"));
  }

  @Test
  void ARC_05_deep_symlink_chain_past_PATH_MAX() throws IOException {
    String step = "d".repeat(20);
    TarBytes tar = tar();
    var path = new StringBuilder();
    for (char c = 'a'; c < 'i'; c++) {
      tar.folder(path + step).link('2', path.toString() + c, step);
      path.append(c).append('/');
    }
    tar.link('2', path + "l".repeat(100), "../".repeat(8));
    tar.link('2', "escape", path + "l".repeat(100) + "/../../../etc");
    tarRefused(ARCHIVE_LINK_NOT_ALLOWED, tar);
  }

  @Test
  void ARC_06_tar_hardlink_to_host_file() throws IOException {
    String shadow = fixture.sentinel.resolve("shadow").toString();
    tarRefused(ARCHIVE_LINK_NOT_ALLOWED, tar().link('1', "h", shadow));
    tarRefused(ARCHIVE_LINK_NOT_ALLOWED, tar().link('1', "h", shadow).file("h", "x"));
    tarRefused(ARCHIVE_LINK_NOT_ALLOWED, tar().link('1', "h", "main.py"));
    tarRefused(
        ARCHIVE_LINK_NOT_ALLOWED,
        tar().entry('K', "././@LongLink", 5, "", "/etc\0".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void ARC_07_zip_unix_symlink() throws IOException {
    for (int madeBy : new int[] {3, 0}) {
      ZipBytes zip = zip();
      zip.add("l", "/etc".getBytes(StandardCharsets.UTF_8)).attributes = 0120777 << 16;
      byte[] bytes = zip.zip();
      if (madeBy == 0) {
        // Some readers look at the mode whatever system is said to have made it.
        bytes[lastIndexOf(bytes, new byte[] {'P', 'K', 1, 2}) + 5] = 0;
      }
      assertThat(fixture.refused(ARCHIVE_LINK_NOT_ALLOWED, "a.zip", bytes))
          .isEqualTo("a.zip: the entry \"l\" is a link; pack what it points to (zip without -y).");
    }
  }

  private static int lastIndexOf(byte[] bytes, byte[] what) {
    for (int i = bytes.length - what.length; i >= 0; i--) {
      if (java.util.Arrays.equals(bytes, i, i + what.length, what, 0, what.length)) {
        return i;
      }
    }
    throw new AssertionError("not in it");
  }

  @Test
  void ARC_08_device_fifo_and_socket_nodes() throws IOException {
    for (char type : new char[] {'3', '4', '6', '7', 'V', 'M', 'D', 'A'}) {
      tarRefused(ARCHIVE_SPECIAL_FILE, tar().entry(type, "dev", 0, "", new byte[0]));
    }
    for (int mode : new int[] {0020666, 0060666, 0010666, 0140666}) {
      ZipBytes zip = zip();
      zip.add("dev", new byte[0]).attributes = mode << 16;
      zipRefused(ARCHIVE_SPECIAL_FILE, zip);
    }
  }

  @Test
  void ARC_09_special_modes_are_dropped() throws IOException {
    byte[] header = TarBytes.header('0', "setuid".getBytes(StandardCharsets.UTF_8), 0, "");
    System.arraycopy("0006777".getBytes(StandardCharsets.UTF_8), 0, header, 100, 7);
    ZipBytes zip = zip();
    zip.add("setuid", new byte[0]).attributes = 0106777 << 16;

    StoredPackage fromTar = fixture.add("a.tgz", tar().raw(TarBytes.sum(header)).tarGz());
    StoredPackage fromZip = fixture.add("a.zip", zip.zip());

    assertThat(fromZip.digest()).isEqualTo(fromTar.digest());
    assertThat((int) Files.getAttribute(fromTar.directory().resolve("setuid"), "unix:mode"))
        .isEqualTo(0100444);
  }

  @Test
  void ARC_10_recursive_zip_bomb() throws IOException {
    byte[] layer = new ZipBytes().file("zeros", "\0".repeat(100_000)).zip();
    for (int level = 0; level < 5; level++) {
      var next = new ZipBytes();
      for (int i = 0; i < 16; i++) {
        next.add("lib" + i + ".zip", layer);
      }
      layer = next.zip();
    }
    ZipBytes zip = zip();
    zip.add("42.zip", layer);

    StoredPackage stored = fixture.add("a.zip", zip.zip());

    assertThat(StoreFixture.files(stored.directory()))
        .containsExactly("42.zip", "main.py", "plugin.yaml");
    assertThat(stored.directory().resolve("42.zip")).hasBinaryContent(layer);
  }

  @Test
  void ARC_11_overlapping_file_zip_bomb() throws IOException {
    // Every directory entry points to one and the same data.
    ZipBytes full = zip();
    ZipBytes.Entry kernel = full.add("0", new byte[200_000]);
    for (int i = 1; i < 1000; i++) {
      ZipBytes.Entry entry = full.add("" + i, new byte[200_000]);
      entry.offset = offsetOf(zip());
      entry.data = kernel.data;
    }
    zipRefused(ARCHIVE_OVERLAP, full);
    assertThat(zipRefused(ARCHIVE_OVERLAP, quoting()))
        .isEqualTo("a.zip: the entry \"a\" overlaps another entry's data; pack it again.");
  }

  private static long offsetOf(ZipBytes before) {
    byte[] bytes = before.zip();
    // Where the next local header goes is where the directory begins now.
    return ZipBytes.buffer(4).put(bytes, bytes.length - 6, 4).flip().getInt();
  }

  /** The first entry's data quotes the second's local header in a stored block of DEFLATE. */
  private static ZipBytes quoting() {
    ZipBytes zip = zip();
    long start = offsetOf(zip);
    ZipBytes.Entry outer = zip.add("a", new byte[50_000]);
    int header = 30 + 1;
    var quoted = new ByteArrayOutputStream();
    quoted.writeBytes(new byte[] {0, (byte) header, 0, (byte) ~header, (byte) 0xff});
    byte[] inner = new ZipBytes().file("b", "\0".repeat(50_000)).zip();
    quoted.write(inner, 0, header + outer.data.length);
    outer.data = quoted.toByteArray();
    outer.localPacked = outer.data.length;
    outer.centralPacked = outer.data.length;
    outer.sizes(50_000 + header);
    zip.add("b", new byte[50_000]).offset = start + header + 5;
    return zip;
  }

  @Test
  void ARC_12_single_huge_ratio() throws IOException {
    fixture.refused(ARCHIVE_TOO_LARGE, "a.tar.gz", zeros(1L << 30, 1L << 30));
    // The header says one byte; the rest looks like the tar's padding, without an end.
    fixture.refused(ARCHIVE_TOO_LARGE, "a.tar.gz", zeros(1, 64L << 20));

    ZipBytes honest = zip();
    honest.add("zeros", new byte[30 << 20]);
    assertThat(zipRefused(ARCHIVE_TOO_LARGE, honest))
        .isEqualTo("a.zip: it unpacks to more than 100 times its size.");
    ZipBytes lying = zip();
    lying.add("zeros", new byte[30 << 20]).sizes(1);
    assertThat(zipRefused(ARCHIVE_TOO_LARGE, lying))
        .isEqualTo("a.zip: the entry \"zeros\" holds more bytes than it says (1).");
    ZipBytes large = zip();
    large.add("zeros", new byte[10]).sizes(33 << 20);
    zipRefused(ARCHIVE_TOO_LARGE, large);
  }

  private static byte[] zeros(long declared, long count) throws IOException {
    var packed = new ByteArrayOutputStream();
    try (var gzip =
        new GZIPOutputStream(packed) {
          {
            def.setLevel(Deflater.BEST_SPEED);
          }
        }) {
      gzip.write(TarBytes.header('0', "zeros".getBytes(StandardCharsets.UTF_8), declared, ""));
      byte[] chunk = new byte[1 << 20];
      for (long written = 0; written < count; written += chunk.length) {
        gzip.write(chunk);
      }
    }
    return packed.toByteArray();
  }

  @Test
  void ARC_12_no_more_is_written_than_the_limit() throws IOException {
    byte[] noise = new byte[200_000];
    new Random(1).nextBytes(noise);
    var limits =
        new ArchiveLimits(
            50 << 20, 500_000, 300_000, 2000, 16, 240, 100, ArchiveLimits.DEFAULT.time());
    TarBytes tar = new TarBytes();
    for (int i = 0; i < 4; i++) {
      tar.file("f" + i, noise);
    }
    Path tree = Files.createDirectory(dir.resolve("tree"));
    var unpacking = new Unpacking("a.tar", limits, tree);

    PluginException refused =
        catchThrowableOfType(
            PluginException.class,
            () -> TarUnpacker.unpack(new ByteArrayInputStream(tar.tar()), unpacking));

    assertThat(refused.code()).isEqualTo(ARCHIVE_TOO_LARGE);
    try (Stream<Path> files = Files.list(tree)) {
      assertThat(files.mapToLong(file -> file.toFile().length()).sum()).isEqualTo(400_000);
    }
  }

  @Test
  void ARC_13_gnu_and_pax_sparse() throws IOException {
    tarRefused(
        ARCHIVE_SPARSE,
        tar()
            .pax(
                'x',
                "GNU.sparse.major=1",
                "GNU.sparse.minor=0",
                "GNU.sparse.name=big",
                "GNU.sparse.realsize=8796093022208")
            .file("GNUSparseFile.0/big", "1\n0\n512\n"));
    tarRefused(ARCHIVE_SPARSE, tar().pax('x', "GNU.sparse.size=8796093022208").file("b", ""));
    tarRefused(ARCHIVE_SPARSE, tar().pax('g', "GNU.sparse.map=0,1").file("b", ""));
    assertThat(tarRefused(ARCHIVE_SPARSE, tar().entry('S', "big", 0, "", new byte[0])))
        .isEqualTo("a.tar.gz: the entry \"big\" is a sparse file; pack it whole (tar without -S).");
  }

  @Test
  void ARC_14_the_same_file_twice() throws IOException {
    assertThat(tarRefused(ARCHIVE_MALFORMED, tar().file("main.py", "evil")))
        .isEqualTo("a.tar.gz: the entry \"main.py\" is in it twice.");
    zipRefused(ARCHIVE_MALFORMED, zip().file("main.py", "evil"));
    tarRefused(ARCHIVE_MALFORMED, tar().file("./main.py", "evil"));
    tarRefused(ARCHIVE_MALFORMED, tar().folder("main.py"));
    tarRefused(ARCHIVE_MALFORMED, tar().file("main.py/x", ""));
    tarRefused(ARCHIVE_MALFORMED, tar().file("lib/x", "").file("lib", ""));
    tarRefused(ARCHIVE_BAD_NAME, tar().file("Main.py", "evil"));
    tarRefused(ARCHIVE_BAD_NAME, tar().file("lib/x", "").file("LIB/y", ""));
    tarRefused(ARCHIVE_BAD_NAME, tar().file("\u00e9.py", "").file("e\u0301.py", ""));
    tarRefused(ARCHIVE_BAD_NAME, tar().file("\uff4dain.py", ""));
  }

  @Test
  void ARC_15_zip_parser_confusion() throws IOException {
    ZipBytes otherName = zip();
    otherName.add("good.py", new byte[9]).localName = "evil.py".getBytes(StandardCharsets.UTF_8);
    assertThat(zipRefused(ARCHIVE_MALFORMED, otherName))
        .isEqualTo("a.zip: the entry \"good.py\" is described in two ways; pack it again.");

    ZipBytes otherSize = zip();
    otherSize.add("x", new byte[9]).localSize = 8;
    zipRefused(ARCHIVE_MALFORMED, otherSize);

    ZipBytes otherPacked = zip();
    otherPacked.add("x", new byte[9]).localPacked = 2;
    zipRefused(ARCHIVE_MALFORMED, otherPacked);

    ZipBytes prefixed = zip();
    prefixed.prefix = new byte[100];
    fixture.refused(ARCHIVE_UNSUPPORTED, "a.zip", prefixed.zip());
    ZipBytes prefixedByEntry = zip();
    prefixedByEntry.prefix = new ZipBytes().file("hidden.py", "x").zip();
    zipRefused(ARCHIVE_MALFORMED, prefixedByEntry);
    byte[] concatenated = concat(zip().zip(), zip().zip());
    fixture.refused(ARCHIVE_MALFORMED, "a.zip", concatenated);

    ZipBytes trailing = zip();
    trailing.suffix = new byte[] {1};
    assertThat(zipRefused(ARCHIVE_MALFORMED, trailing))
        .isEqualTo("a.zip: it is cut short, or has more after its end; pack or upload it again.");

    ZipBytes twoEnds = zip();
    twoEnds.comment = ZipBytes.end(0, 0, 0, 0);
    assertThat(zipRefused(ARCHIVE_MALFORMED, twoEnds)).isEqualTo("a.zip: it has two ends.");

    ZipBytes gap = zip();
    gap.beforeDirectory = new ZipBytes().file("hidden.py", "x").zip();
    zipRefused(ARCHIVE_MALFORMED, gap);

    ZipBytes gapInside = zip();
    gapInside.add("a", new byte[1]).after = new byte[40];
    gapInside.add("b", new byte[1]);
    assertThat(zipRefused(ARCHIVE_MALFORMED, gapInside))
        .isEqualTo("a.zip: it has bytes that belong to no entry.");

    ZipBytes locator = zip();
    locator.beforeEnd = ZipBytes.buffer(20).putInt(0x07064b50).putInt(0).putLong(7).array();
    zipRefused(ARCHIVE_MALFORMED, locator);

    ZipBytes zip64 = zip();
    zip64.add("x", new byte[9]).centralExtra =
        ZipBytes.buffer(12).putShort((short) 1).putShort((short) 8).putLong(9).array();
    zipRefused(ARCHIVE_MALFORMED, zip64);

    ZipBytes twoNames = zip();
    byte[] unicode =
        ZipBytes.buffer(16)
            .putShort((short) 0x7075)
            .putShort((short) 12)
            .put((byte) 1)
            .putInt(0)
            .put("evil.py".getBytes(StandardCharsets.UTF_8))
            .array();
    twoNames.add("good.py", new byte[9]).localExtra = unicode;
    assertThat(zipRefused(ARCHIVE_MALFORMED, twoNames)).contains("has two names");

    ZipBytes fewer = zip();
    fewer.add("hidden.py", new byte[1]);
    fewer.count = 2;
    zipRefused(ARCHIVE_MALFORMED, fewer);

    ZipBytes wrongCrc = zip();
    wrongCrc.add("x", new byte[9]).crc = 1;
    zipRefused(ARCHIVE_MALFORMED, wrongCrc);

    ZipBytes folderWithData = zip();
    ZipBytes.Entry folder = folderWithData.add("lib/", new byte[9]);
    folder.attributes = 040755 << 16;
    zipRefused(ARCHIVE_MALFORMED, folderWithData);

    ZipBytes folderByMode = zip();
    folderByMode.add("lib", new byte[9]).attributes = 040755 << 16;
    zipRefused(ARCHIVE_MALFORMED, folderByMode);

    ZipBytes longerData = zip();
    ZipBytes.Entry longer = longerData.add("x", new byte[9]);
    longer.data = concat(longer.data, new byte[30]);
    longer.localPacked += 30;
    longer.centralPacked += 30;
    zipRefused(ARCHIVE_MALFORMED, longerData);
  }

  @Test
  void ARC_15_what_is_not_taken() throws IOException {
    ZipBytes encrypted = zip();
    encrypted.add("x", new byte[9]).flags |= 1;
    zipRefused(ARCHIVE_UNSUPPORTED, encrypted);
    for (int method : new int[] {1, 9, 12, 14, 93, 99}) {
      ZipBytes odd = zip();
      odd.add("x", new byte[9]).method = method;
      zipRefused(ARCHIVE_UNSUPPORTED, odd);
    }
    zipRefused(ARCHIVE_MALFORMED, new ZipBytes());
  }

  private static byte[] concat(byte[] a, byte[] b) {
    byte[] both = java.util.Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  @Test
  void ARC_16_tar_pax_and_ustar_size_desync() throws IOException {
    byte[] nested = new TarBytes().file("hidden.py", "evil").tar();
    assertThat(
            tarRefused(
                ARCHIVE_MALFORMED,
                tar().pax('x', "size=" + nested.length).entry('0', "inner.tar", 0, "", nested)))
        .isEqualTo("a.tar.gz: the entry \"inner.tar\" has two sizes.");
    tarRefused(
        ARCHIVE_MALFORMED,
        tar().pax('x', "size=0").entry('0', "inner.tar", nested.length, "", nested));
    tarRefused(ARCHIVE_MALFORMED, tar().pax('x', "path=a").longName("b").file("c", ""));
    tarRefused(ARCHIVE_MALFORMED, tar().longName("b").pax('x', "path=a").file("c", ""));
    tarRefused(ARCHIVE_MALFORMED, tar().pax('x', "path=a").pax('x', "path=b").file("c", ""));
    tarRefused(ARCHIVE_MALFORMED, tar().longName("a").longName("b").file("c", ""));
    tarRefused(ARCHIVE_MALFORMED, tar().pax('x', "path=a", "path=b").file("c", ""));
    tarRefused(ARCHIVE_MALFORMED, tar().pax('g', "path=a").file("c", ""));
    tarRefused(ARCHIVE_MALFORMED, tar().pax('x', "path=a"));
    tarRefused(ARCHIVE_MALFORMED, tar().entry('5', "dir", nested.length, "", nested));
    assertThat(
            fixture.refused(
                ARCHIVE_MALFORMED,
                "a.tar.gz",
                TarBytes.gzip(concat(tar().tar(), new TarBytes().file("hidden.py", "x").tar()))))
        .isEqualTo("a.tar.gz: there is more after its end.");
    fixture.refused(
        ARCHIVE_MALFORMED, "a.tar.gz", concat(tar().tarGz(), tar().file("b.py", "x").tarGz()));
    assertThat(fixture.refused(ARCHIVE_MALFORMED, "a.tar.gz", concat(tar().tarGz(), new byte[1])))
        .isEqualTo("a.tar.gz: there is more after the end of its gzip data.");
    tarRefused(
        ARCHIVE_MALFORMED,
        tar().entry('x', "PaxHeader", 9, "", "12 path=a".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void ARC_16_wrong_numbers() throws IOException {
    for (String size : new String[] {"-0000000001", "99999999999", "           ", "0x000000010"}) {
      byte[] header = TarBytes.header('0', "f".getBytes(StandardCharsets.UTF_8), 0, "");
      System.arraycopy(size.getBytes(StandardCharsets.UTF_8), 0, header, 124, 11);
      tarRefused(ARCHIVE_MALFORMED, tar().raw(TarBytes.sum(header)));
    }
    byte[] negative = TarBytes.header('0', "f".getBytes(StandardCharsets.UTF_8), 0, "");
    java.util.Arrays.fill(negative, 124, 136, (byte) 0xff);
    tarRefused(ARCHIVE_MALFORMED, tar().raw(TarBytes.sum(negative)));
    byte[] huge = TarBytes.header('0', "f".getBytes(StandardCharsets.UTF_8), 0, "");
    java.util.Arrays.fill(huge, 124, 136, (byte) 0);
    huge[124] = (byte) 0x80;
    huge[128] = 1;
    tarRefused(ARCHIVE_TOO_LARGE, tar().raw(TarBytes.sum(huge)));
    byte[] sum = TarBytes.header('0', "f".getBytes(StandardCharsets.UTF_8), 0, "");
    sum[0] = 'g';
    tarRefused(ARCHIVE_MALFORMED, tar().raw(sum));
  }

  @Test
  void ARC_17_entry_flood_and_deep_tree() throws IOException {
    TarBytes flood = tar();
    for (int i = 0; i < 200_000; i++) {
      flood.file("f" + i, "");
    }
    assertThat(tarRefused(ARCHIVE_TOO_MANY_ENTRIES, flood))
        .isEqualTo("a.tar.gz: it has more than 2000 entries, which is the most it may.");
    ZipBytes zips = zip();
    for (int i = 0; i < 2000; i++) {
      zips.file("f" + i, "");
    }
    zipRefused(ARCHIVE_TOO_MANY_ENTRIES, zips);
    ZipBytes lying = zip();
    lying.count = 0xffff;
    zipRefused(ARCHIVE_TOO_MANY_ENTRIES, lying);
    TarBytes headers = tar();
    for (int i = 0; i < 5000; i++) {
      headers.pax('g', "comment=x");
    }
    tarRefused(ARCHIVE_TOO_MANY_ENTRIES, headers);

    assertThat(
            tarRefused(
                ARCHIVE_TOO_DEEP, tar().pax('x', "path=" + "a/".repeat(5000) + "a").file("a", "")))
        .contains("is more than 16 folders deep");
    zipRefused(ARCHIVE_TOO_DEEP, zip().file("a/".repeat(5000) + "a", ""));
    zipRefused(ARCHIVE_TOO_DEEP, zip().file("a/".repeat(16) + "a", ""));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a\u0000b",
        "a\nb",
        "a\u001b[2Jb",
        "a\u202eb",
        "a\u200bb",
        "a\u2028b",
        "a\u0085b",
        "a\ue000b",
        "CON",
        "aux.py",
        "lib/NUL",
        "com1.txt",
        "x ",
        "x.",
        "lib./x",
        "a:b",
        "a//b",
        "a/./b",
        "",
        "\ufdd0"
      })
  void ARC_18_hostile_names(String name) throws IOException {
    ZipBytes zip = zip();
    zip.add(name, new byte[1]);
    String message = zipRefused(ARCHIVE_BAD_NAME, zip);
    assertThat(message).startsWith("a.zip: the entry \"");
    tarRefused(ARCHIVE_BAD_NAME, tar().pax('x', "path=" + name).file("ok", ""));
  }

  @Test
  void ARC_18_long_and_undecodable_names() throws IOException {
    zipRefused(ARCHIVE_BAD_NAME, zip().file("x".repeat(300), ""));
    zipRefused(ARCHIVE_BAD_NAME, zip().file("\u20ac".repeat(81), ""));
    zipRefused(ARCHIVE_BAD_NAME, zip().file(("x".repeat(60) + "/").repeat(4) + "y", ""));
    for (byte[] name :
        new byte[][] {
          {'a', (byte) 0xff}, {(byte) 0xc0, (byte) 0xaf}, {(byte) 0xed, (byte) 0xa0, (byte) 0x80}
        }) {
      ZipBytes zip = zip();
      zip.add(name, new byte[1]);
      assertThat(zipRefused(ARCHIVE_BAD_NAME, zip)).contains("has a name that is not UTF-8");
      TarBytes tar = tar().raw(TarBytes.header('0', name, 0, ""));
      tarRefused(ARCHIVE_BAD_NAME, tar);
    }
  }

  @Test
  void ARC_19_cut_short() throws IOException {
    byte[] tarGz = tar().file("data", "x".repeat(5000)).tarGz();
    byte[] zipped = zip().file("data", "x".repeat(5000)).zip();
    for (int length = 3; length < tarGz.length; length += 7) {
      fixture.refused(ARCHIVE_MALFORMED, "a.tar.gz", java.util.Arrays.copyOf(tarGz, length));
    }
    for (int length = 4; length < zipped.length; length += 7) {
      fixture.refused(ARCHIVE_MALFORMED, "a.zip", java.util.Arrays.copyOf(zipped, length));
    }
    byte[] plain = tar().tar();
    for (int length = 512; length < plain.length - 1; length += 256) {
      fixture.refused(
          ARCHIVE_MALFORMED, "a.tar.gz", TarBytes.gzip(java.util.Arrays.copyOf(plain, length)));
    }
  }

  @Test
  void ARC_20_polyglot_and_type_lie() throws IOException {
    assertThat(fixture.refused(ARCHIVE_UNSUPPORTED, "a.zip", tar().tarGz()))
        .isEqualTo(
            "a.zip: it is named as ZIP but holds gzip; pack the plugin with `tar -czf NAME.tar.gz"
                + " FOLDER/` or `zip -r NAME.zip FOLDER/`.");
    assertThat(fixture.refused(ARCHIVE_UNSUPPORTED, "a.tar.gz", zip().zip()))
        .contains("it is named as a gzipped tar but holds ZIP;");
    assertThat(fixture.refused(ARCHIVE_UNSUPPORTED, "a.tgz", tar().tar()))
        .contains("holds a tar that is not compressed;");
    byte[] elf = concat(new byte[] {0x7f, 'E', 'L', 'F', 0}, zip().zip());
    assertThat(fixture.refused(ARCHIVE_UNSUPPORTED, "a.zip", elf)).contains("holds a program;");
    fixture.refused(ARCHIVE_MALFORMED, "a.zip", concat(zip().zip(), elf));
    assertThat(
            fixture.refused(
                ARCHIVE_UNSUPPORTED, "a.zip", new byte[] {'7', 'z', (byte) 0xbc, (byte) 0xaf, 0}))
        .contains("holds 7-Zip;");
    assertThat(
            fixture.refused(
                ARCHIVE_UNSUPPORTED,
                "a.tgz",
                new byte[] {(byte) 0xfd, '7', 'z', 'X', 'Z', 0, 0, 4}))
        .contains("holds xz;");
    assertThat(
            fixture.refused(
                ARCHIVE_UNSUPPORTED, "a.tgz", new byte[] {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0}))
        .contains("holds Zstandard;");
    assertThat(fixture.refused(ARCHIVE_UNSUPPORTED, "a.zip", new byte[0]))
        .contains("holds nothing;");
    assertThat(
            fixture.refused(
                ARCHIVE_UNSUPPORTED,
                "a.zip",
                "<!DOCTYPE html><title>404</title>".getBytes(StandardCharsets.UTF_8)))
        .contains("holds a web page;");
    assertThat(
            fixture.refused(
                ARCHIVE_MALFORMED,
                "a.tgz",
                TarBytes.gzip("hello".getBytes(StandardCharsets.UTF_8))))
        .isEqualTo("a.tgz: its gzip data is no tar archive.");
    assertThat(
            fixture.refused(
                ARCHIVE_MALFORMED,
                "a.tgz",
                TarBytes.gzip(zip().file("pad", "x".repeat(9000)).zip())))
        .isEqualTo("a.tgz: its gzip data is no tar archive.");
    for (String name : new String[] {"a.whl", "a.tar", "a", "a.tar.xz", "zip", "a.zip.exe"}) {
      assertThat(fixture.refused(ARCHIVE_UNSUPPORTED, name, zip().zip()))
          .startsWith(name + ": the name of an archive ends in .tar.gz, .tgz or .zip; ");
    }
  }
}
