package dev.berth.host.install;

import static dev.berth.host.install.StoreFixture.MANIFEST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallSource;
import dev.berth.api.PluginException;
import dev.berth.api.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackageStoreTest {
  @TempDir Path dir;
  private StoreFixture fixture;

  @BeforeEach
  void open() throws IOException {
    fixture = new StoreFixture(dir);
  }

  private static TarBytes tar() {
    return new TarBytes()
        .folder("./")
        .folder("./dice/")
        .file("./dice/plugin.yaml", MANIFEST + "dependencies: [requests>=2.31.0]\n")
        .file("./dice/main.py", "class Dice: pass\n")
        .file("./dice/lib/__init__.py", "")
        .file("./dice/requirements.txt", "requests>=2.31.0\naiohttp  # async\n");
  }

  @Test
  void stores_a_package_read_only_under_its_digest() throws IOException {
    StoredPackage stored = fixture.add("dice-1.0.0.tar.gz", tar().tarGz());

    assertThat(stored.digest())
        .isEqualTo("sha256-52f439b0f7bae4d9f451651d0516ec39c429a9c70faabbf730e4d46cc5523f34");
    assertThat(stored.directory()).isEqualTo(fixture.packages.resolve(stored.digest()));
    assertThat(StoreFixture.files(stored.directory()))
        .containsExactly("lib/__init__.py", "main.py", "plugin.yaml", "requirements.txt");
    assertThat(stored.manifest().name()).isEqualTo("dice");
    assertThat(stored.requirements()).containsExactly("requests>=2.31.0", "aiohttp");
    assertThat(stored.defaults()).hasToString("{}");
    try (Stream<Path> all = Files.walk(stored.directory())) {
      assertThat(all)
          .allSatisfy(path ->
              assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                  .isEqualTo(Files.isDirectory(path) ? "r-xr-xr-x" : "r--r--r--"));
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(fixture.packages)))
        .isEqualTo("rwx--x--x");
    assertThat(fixture.store.digests()).containsExactly(stored.digest());
    fixture.store.verify(stored.digest());
    assertThat(fixture.store.get(stored.digest())).isEqualTo(stored);
  }

  @Test
  void the_same_files_are_the_same_package_in_any_archive() throws IOException {
    StoredPackage first = fixture.add("a.tgz", tar().tarGz());
    ZipBytes zip =
        new ZipBytes()
            .file("lib/__init__.py", "")
            .file("requirements.txt", "requests>=2.31.0\naiohttp  # async\n")
            .file("main.py", "class Dice: pass\n")
            .file("plugin.yaml", MANIFEST + "dependencies: [requests>=2.31.0]\n");

    assertThat(fixture.add("b.ZIP", zip.zip())).isEqualTo(first);
    assertThat(fixture.store.digests()).hasSize(1);
    assertThat(fixture.add("c.zip", zip.file("main2.py", "").zip()).digest())
        .isNotEqualTo(first.digest());
  }

  @Test
  void leaves_litter_out() throws IOException {
    StoredPackage stored =
        fixture.add(
            "a.tgz",
            new TarBytes()
                .file("._dice", "Mac OS X")
                .file("__MACOSX/._dice", "Mac OS X")
                .folder("dice")
                .file("dice/plugin.yaml", MANIFEST)
                .file("dice/main.py", "")
                .file("dice/.DS_Store", "")
                .file("dice/__pycache__/main.cpython-311.pyc", "")
                .file("dice/.git/HEAD", "")
                .file("dice/.gitignore", "")
                .file("dice/Dockerfile", "FROM scratch")
                .file("dice/tests/test_dice.py", "")
                .folder("dice/empty")
                .tarGz());

    assertThat(StoreFixture.files(stored.directory()))
        .containsExactly(
            ".gitignore", "Dockerfile", "main.py", "plugin.yaml", "tests/test_dice.py");
    assertThat(stored.directory().resolve("empty")).doesNotExist();
  }

  @Test
  void reads_config_yaml() throws IOException {
    String schema = MANIFEST + "config_schema: {sides: {type: integer, default: 6}}\n";
    TarBytes tar = new TarBytes().file("plugin.yaml", schema).file("main.py", "");
    StoredPackage stored = fixture.add("a.tgz", tar.file("config.yaml", "sides: 20\n").tarGz());

    assertThat(stored.defaults()).hasToString("{\"sides\":20}");
    assertThat(fixture.store.get(stored.digest()).defaults()).hasToString("{\"sides\":20}");
  }

  @Test
  void refuses_bad_files_inside_without_a_trace() throws IOException {
    TarBytes bad = new TarBytes().file("plugin.yaml", MANIFEST).file("main.py", "");
    assertThat(
            fixture.refused(
                ErrorCode.CONFIG_INVALID, "a.tgz", bad.file("config.yaml", "x: 1").tarGz()))
        .isEqualTo(
            "config.yaml has a problem:\n"
                + "config.yaml:1:1: unknown setting \"x\"; it is not in config_schema of"
                + " plugin.yaml");
    bad = new TarBytes().file("plugin.yaml", MANIFEST).file("main.py", "");
    fixture.refused(
        ErrorCode.DEPENDENCY_INVALID, "a.tgz", bad.file("requirements.txt", "-e .").tarGz());
    fixture.refused(
        ErrorCode.MANIFEST_INVALID,
        "a.tgz",
        new TarBytes().file("plugin.yaml", "x".repeat(100_000)).tarGz());
    assertThat(
            fixture.refused(
                ErrorCode.MANIFEST_BAD_ENTRY,
                "a.tgz",
                new TarBytes()
                    .file("p/plugin.yaml", MANIFEST + "main: src/app.py\n")
                    .file("p/main.py", "")
                    .tarGz()))
        .isEqualTo(
            "plugin.yaml has a problem:\n"
                + "plugin.yaml:4:7: main: src/app.py is not in the package; it has main.py");
  }

  @Test
  void says_what_is_there_when_there_is_no_manifest() throws IOException {
    assertThat(
            fixture.refused(
                ErrorCode.MANIFEST_MISSING,
                "a.zip",
                new ZipBytes().file("dice/plugin.yml", MANIFEST).file("dice/main.py", "").zip()))
        .isEqualTo(
            "a.zip: there is no plugin.yaml at its top or in its one top folder; at the top:"
                + " dice/; rename dice/plugin.yml to plugin.yaml.");
    assertThat(
            fixture.refused(
                ErrorCode.MANIFEST_MISSING,
                "a.zip",
                new ZipBytes()
                    .file("README.md", "")
                    .file("dice/plugin.yaml", MANIFEST)
                    .file("dice/main.py", "")
                    .zip()))
        .isEqualTo(
            "a.zip: there is no plugin.yaml at its top or in its one top folder; at the top:"
                + " README.md, dice/; move dice/plugin.yaml up.");
    assertThat(
            fixture.refused(
                ErrorCode.MANIFEST_MISSING, "a.tgz", new TarBytes().folder("dice").tarGz()))
        .isEqualTo("a.tgz: there is no file in it, and so no plugin.yaml.");
  }

  @Test
  void refuses_what_is_no_file() throws IOException {
    PluginException refused =
        catchThrowableOfType(
            PluginException.class,
            () -> fixture.store.add(new InstallSource.Archive(dir.resolve("no.zip"))));
    assertThat(refused.code()).isEqualTo(ErrorCode.NOT_FOUND);
    assertThat(refused.getMessage()).isEqualTo("no.zip: there is no such file.");
    refused =
        catchThrowableOfType(
            PluginException.class,
            () -> fixture.store.add(new InstallSource.Archive(fixture.sentinel)));
    assertThat(refused.code()).isEqualTo(ErrorCode.ARCHIVE_UNSUPPORTED);
    assertThat(refused.getMessage())
        .isEqualTo("host: it is a folder; pack it with `tar -czf NAME.tar.gz FOLDER/`.");
    fixture.assertNoTrace();
  }

  @Test
  void refuses_what_is_larger_or_slower_than_it_may_be() throws IOException {
    var small = new StoreFixture(dir.resolve("small"), ArchiveLimits.DEFAULT.withArchiveBytes(100));
    assertThat(small.refused(ErrorCode.ARCHIVE_TOO_LARGE, "a.tgz", tar().tarGz()))
        .isEqualTo("a.tgz: it is larger than 100 bytes, which is the most it may.");
    ArchiveLimits usual = ArchiveLimits.DEFAULT;
    var hasty =
        new StoreFixture(
            dir.resolve("hasty"),
            new ArchiveLimits(
                usual.archiveBytes(),
                usual.unpackedBytes(),
                usual.entryBytes(),
                usual.entries(),
                usual.depth(),
                usual.pathBytes(),
                usual.ratio(),
                java.time.Duration.ZERO));
    assertThat(hasty.refused(ErrorCode.ARCHIVE_TIMEOUT, "a.tgz", tar().tarGz()))
        .isEqualTo("a.tgz: reading it took more than 0 s; make it smaller.");
    hasty.refused(
        ErrorCode.ARCHIVE_TIMEOUT, "a.zip", new ZipBytes().file("plugin.yaml", MANIFEST).zip());
  }

  @Test
  void notices_and_mends_what_was_changed_on_disk() throws IOException {
    StoredPackage stored = fixture.add("a.tgz", tar().tarGz());
    Path main = stored.directory().resolve("main.py");
    Files.setPosixFilePermissions(main, PosixFilePermissions.fromString("rw-r--r--"));
    PluginException refused =
        catchThrowableOfType(PluginException.class, () -> fixture.store.verify(stored.digest()));
    assertThat(refused.code()).isEqualTo(ErrorCode.STORE_CORRUPT);
    assertThat(refused.getMessage())
        .isEqualTo(
            "Package "
                + stored.digest()
                + " was changed on disk. Install the plugin's archive again.");
    Files.writeString(main, "import os");
    Files.setPosixFilePermissions(main, PosixFilePermissions.fromString("r--r--r--"));
    assertThatThrownBy(() -> fixture.store.verify(stored.digest()))
        .isInstanceOf(PluginException.class);

    fixture.add("a.tgz", tar().tarGz());

    fixture.store.verify(stored.digest());
    assertThat(main).hasContent("class Dice: pass\n".strip());
  }

  @Test
  void removes_and_does_not_mind_what_is_gone() throws IOException {
    StoredPackage stored = fixture.add("a.tgz", tar().tarGz());
    fixture.store.remove(stored.digest());
    fixture.store.remove(stored.digest());
    fixture.assertNoTrace();
    assertThat(
            catchThrowableOfType(PluginException.class, () -> fixture.store.get(stored.digest()))
                .code())
        .isEqualTo(ErrorCode.STORE_CORRUPT);
    for (String bad : List.of("../../host", "", "sha256-..", stored.digest() + "/..")) {
      assertThatThrownBy(() -> fixture.store.remove(bad)).isInstanceOf(PluginException.class);
      assertThatThrownBy(() -> fixture.store.get(bad)).isInstanceOf(PluginException.class);
    }
    assertThat(fixture.sentinel.resolve("shadow")).exists();
  }

  @Test
  void sweeps_what_a_crash_left() throws IOException {
    StoredPackage stored = fixture.add("a.tgz", tar().tarGz());
    // The host died after the rename and before the folder was made read-only.
    Files.setPosixFilePermissions(stored.directory(), PosixFilePermissions.fromString("rwx------"));
    Path staging = fixture.packages.resolve(".staging-1/tree/dice");
    Files.createDirectories(staging);
    Files.writeString(staging.resolve("main.py"), "x");
    Files.createSymbolicLink(staging.resolve("link"), fixture.sentinel);
    Files.createDirectories(fixture.packages.resolve(".removed-1/lib"));

    fixture.store.sweep();

    try (Stream<Path> left = Files.list(fixture.packages)) {
      assertThat(left).containsExactly(stored.directory());
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(stored.directory())))
        .isEqualTo("r-xr-xr-x");
    assertThat(fixture.sentinel.resolve("shadow")).exists();
  }

  @Test
  void names_beyond_ascii() throws IOException {
    assumeThat(System.getProperty("sun.jnu.encoding")).isEqualTo("UTF-8");
    StoredPackage stored = fixture.add("a.tgz", tar().file("./dice/würfel 🎲.txt", "x").tarGz());
    assertThat(stored.directory().resolve("würfel 🎲.txt")).hasContent("x");
    fixture.store.verify(stored.digest());
  }

  @Test
  void names_beyond_ascii_in_a_locale_that_has_none() throws IOException {
    assumeThat(System.getProperty("sun.jnu.encoding")).isNotEqualTo("UTF-8");
    assertThat(
            fixture.refused(
                ErrorCode.ARCHIVE_BAD_NAME, "a.tgz", tar().file("./dice/w\u00fcrfel", "x").tarGz()))
        .contains("start it with LC_ALL=C.UTF-8 or rename the file");
  }

  @Test
  void many_at_once_end_in_one_package() throws Exception {
    byte[] archive = tar().tarGz();
    Path upload = Files.write(dir.resolve("upload"), archive);
    List<Callable<StoredPackage>> calls = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      calls.add(() -> fixture.store.add(new InstallSource.Archive(upload, "a.tgz")));
    }
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<StoredPackage>> done = threads.invokeAll(calls);
      StoredPackage first = done.getFirst().get();
      for (Future<StoredPackage> one : done) {
        assertThat(one.get()).isEqualTo(first);
      }
      assertThat(fixture.store.digests()).isEqualTo(Set.of(first.digest()));
    }
    Files.delete(upload);
    try (Stream<Path> left = Files.list(fixture.packages)) {
      assertThat(left).hasSize(1);
    }
  }

  /** The digest is documented; another implementation must come to the same. */
  @Test
  void the_digest_is_sha256_over_lines_of_mode_digest_and_path() throws Exception {
    StoredPackage stored = fixture.add("a.tgz", tar().tarGz());
    var lines = new StringBuilder("berth package 1\n");
    for (String path : StoreFixture.files(stored.directory())) {
      byte[] content = Files.readAllBytes(stored.directory().resolve(path));
      var hex = java.util.HexFormat.of();
      lines.append("0444 ").append(hex.formatHex(Sha256.digest().digest(content)));
      lines.append(' ').append(path).append('\n');
    }
    assertThat(stored.digest())
        .isEqualTo(
            "sha256-"
                + java.util.HexFormat.of()
                    .formatHex(
                        Sha256.digest().digest(lines.toString().getBytes(StandardCharsets.UTF_8))));
  }
}
