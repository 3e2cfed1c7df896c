package dev.berth.host.install;

import static dev.berth.host.install.StoreFixture.MANIFEST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.berth.api.InstallSource;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.regex.Pattern;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives as people make them, with the tools they have. All must be taken, as one package. */
class RealToolsTest {
  private static final String LONG = "a_rather_long_module_name_".repeat(3) + "end.py";

  @TempDir Path dir;
  private StoreFixture fixture;
  private Path work;

  @BeforeEach
  void writeAPlugin() throws IOException {
    fixture = new StoreFixture(dir);
    work = Files.createDirectory(dir.resolve("work"));
    Path plugin = Files.createDirectories(work.resolve("my-plugin/lib/deep"));
    Files.writeString(work.resolve("my-plugin/plugin.yaml"), MANIFEST);
    Files.writeString(work.resolve("my-plugin/main.py"), "class Dice: pass\n".repeat(200));
    Files.writeString(work.resolve("my-plugin/README.md"), "");
    Files.writeString(plugin.resolve(LONG), "x = 1\n");
    Files.createDirectory(work.resolve("my-plugin/empty"));
  }

  private void run(String... command) throws Exception {
    var process =
        new ProcessBuilder(command)
            .directory(work.toFile())
            .redirectErrorStream(true)
            .redirectOutput(work.resolve("log").toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue())
        .as("%s: %s", List.of(command), Files.readString(work.resolve("log")))
        .isZero();
  }

  private static boolean has(String tool) {
    return Pattern.compile(":")
        .splitAsStream(System.getenv("PATH"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, tool)));
  }

  private void taken(String archive) {
    StoredPackage stored = fixture.store.add(new InstallSource.Archive(work.resolve(archive)));
    assertThat(stored.manifest().name()).isEqualTo("dice");
    try {
      assertThat(StoreFixture.files(stored.directory()))
          .containsExactly("README.md", "lib/deep/" + LONG, "main.py", "plugin.yaml");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    assertThat(fixture.store.digests()).containsExactly(stored.digest());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gnu", "oldgnu", "pax", "posix", "ustar"})
  void gnu_tar(String format) throws Exception {
    assumeThat(has("tar")).isTrue();
    run("tar", "--format=" + format, "-czf", "a.tar.gz", "my-plugin/");
    taken("a.tar.gz");
    run("tar", "--format=" + format, "-czf", "b.tgz", "./my-plugin");
    taken("b.tgz");
    run("tar", "--format=" + format, "-czf", "c.tgz", "-C", "my-plugin", ".");
    taken("c.tgz");
    run("sh", "-c", "cd my-plugin && tar --format=" + format + " -czf ../d.tgz *");
    taken("d.tgz");
  }

  @Test
  void zip_tool() throws Exception {
    assumeThat(has("zip")).isTrue();
    run("zip", "-qr", "a.zip", "my-plugin");
    taken("a.zip");
    run("sh", "-c", "zip -qr - my-plugin | cat > b.zip");
    taken("b.zip");
    run("sh", "-c", "cd my-plugin && zip -qr0 ../c.zip . && echo hello | zip -qz ../c.zip");
    taken("c.zip");
    run("zip", "-qrD", "d.zip", "my-plugin");
    taken("d.zip");
  }

  @Test
  void python_shutil() throws Exception {
    assumeThat(has("python3")).isTrue();
    run(
        "python3",
        "-c",
        """
        import shutil
        for kind in ("gztar", "zip"):
            shutil.make_archive("a", kind, ".", "my-plugin")
            shutil.make_archive("b", kind, "my-plugin")
        """);
    for (String name : List.of("a.tar.gz", "b.tar.gz", "a.zip", "b.zip")) {
      taken(name);
    }
  }

  /** What macOS's tar writes: pax headers with extended attributes, and ._ files beside each. */
  @Test
  void python_tarfile_in_the_way_of_macos() throws Exception {
    assumeThat(has("python3")).isTrue();
    run(
        "python3",
        "-c",
        """
        import io, tarfile
        def mark(info):
            info.pax_headers = {
                "LIBARCHIVE.xattr.com.apple.provenance": "AQAA",
                "SCHILY.xattr.com.apple.provenance": "\\x01\\udc80\\n=\\udcff" * 900,
                "mtime": "1750000000.123456789", "ctime": "1750000000.5", "atime": "1.5",
            }
            return info
        with tarfile.open("a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as tar:
            junk = tarfile.TarInfo("._my-plugin")
            junk.size = 4
            tar.addfile(mark(junk), io.BytesIO(b"junk"))
            tar.add("my-plugin", filter=mark)
        """);
    taken("a.tar.gz");
  }

  @Test
  void git_archive() throws Exception {
    assumeThat(has("git")).isTrue();
    run(
        "sh",
        "-c",
        "cd my-plugin && git init -q . && git add -A && git -c user.name=a -c user.email=a@b"
            + " -c commit.gpgsign=false commit -qm x"
            + " && git archive --prefix=my-plugin/ -o ../a.tar.gz HEAD"
            + " && git archive --prefix=my-plugin/ -o ../a.zip HEAD && git archive -o ../b.zip HEAD"
            + " && rm -rf .git");
    for (String name : List.of("a.tar.gz", "a.zip", "b.zip")) {
      taken(name);
    }
  }

  /** Java's own ZIPs are streamed: sizes come after the data. */
  @Test
  void java_zip_output_stream() throws Exception {
    var out = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new JarEntry("my-plugin/"));
      for (String name : StoreFixture.files(work.resolve("my-plugin"))) {
        zip.putNextEntry(new JarEntry("my-plugin/" + name));
        zip.write(Files.readAllBytes(work.resolve("my-plugin").resolve(name)));
      }
    }
    Files.write(work.resolve("a.zip"), out.toByteArray());
    taken("a.zip");
  }

  /** A ZIP in a ZIP has an end record of its own, and a stored one shows it. */
  @Test
  void a_stored_zip_inside() throws Exception {
    byte[] inner = new ZipBytes().file("a", "b").zip();
    ZipBytes outer = new ZipBytes().file("plugin.yaml", MANIFEST).file("main.py", "");
    ZipBytes.Entry entry = outer.add("wheel.whl", inner);
    entry.method = 0;
    entry.data = inner;
    entry.localPacked = inner.length;
    entry.centralPacked = inner.length;

    StoredPackage stored = fixture.add("a.zip", outer.zip());

    assertThat(stored.directory().resolve("wheel.whl")).hasBinaryContent(inner);
    assertThat(new String(inner, StandardCharsets.ISO_8859_1)).contains("PK\5\6");
  }
}
