package dev.berth.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Cli.Ran;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Installing and updating from files, folders and addresses. */
class InstallTest {
  private static final String INSTALLED =
      "{\"plugin_id\":\"plugin_d1\",\"name\":\"dice\",\"version\":\"1.0.0\",\"status\":\"installed\"}";

  @TempDir Path folder;
  private final FakeServer server =
      new FakeServer()
          .on("POST /api/plugins/install", INSTALLED)
          .on("POST /api/plugins/plugin_d1/enable", "{\"status\":\"enabled\"}");

  @AfterEach
  void stop() {
    server.close();
  }

  private String archive(String name) throws IOException {
    return Files.writeString(folder.resolve(name), "the archive").toString();
  }

  @Test
  void a_file_is_sent_as_a_form() throws IOException {
    assertThat(Cli.of(server).run("install", archive("a\"b.tar.gz")))
        .isEqualTo(new Ran(0, "Installed dice 1.0.0 as plugin_d1.\n", ""));
    String type = server.last().contentType();
    assertThat(type).startsWith("multipart/form-data; boundary=berth-");
    String boundary = type.substring(type.indexOf('=') + 1);
    assertThat(server.last().body())
        .isEqualTo(
            "--%1$s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%%22b.tar.gz\"\r\nContent-Type: application/octet-stream\r\n\r\nthe archive\r\n--%1$s--\r\n"
                .formatted(boundary));
    assertThat(server.last().accept()).isEqualTo("application/json");
  }

  @Test
  void settings_go_first_and_a_secret_is_read_not_typed_out() throws IOException {
    Ran ran =
        Cli.of(server)
            .input("s3cret\nother\n")
            .run(
                "install",
                archive("a.zip"),
                "--config",
                "n:=3",
                "--config",
                "key=-",
                "--set",
                "k2=-",
                "--config",
                "t=a=b");
    assertThat(ran).isEqualTo(new Ran(0, "Installed dice 1.0.0 as plugin_d1.\n", ""));
    assertThat(server.last().body())
        .contains(
            "name=\"config\"\r\nContent-Type: application/json\r\n\r\n{\"n\":3,\"key\":\"s3cret\",\"k2\":\"other\",\"t\":\"a=b\"}\r\n--")
        .contains("name=\"file\"");
  }

  @Test
  void settings_from_a_file() throws IOException {
    Path file = Files.writeString(folder.resolve("c.json"), "{\"n\": 12345678901234567890}");
    Cli.of(server).run("install", archive("a.zip"), "--config-file", file.toString());
    assertThat(server.last().body()).contains("\r\n\r\n{\"n\": 12345678901234567890}\r\n");

    Files.writeString(file, "[1]");
    assertThat(Cli.of(server).run("install", archive("a.zip"), "--config-file", file.toString()))
        .isEqualTo(
            new Ran(
                2,
                "",
                "berth: " + file + " must be a JSON object, such as {\"message\": \"hi\"}.\n"));
  }

  @Test
  void an_address_is_for_the_server_to_fetch() {
    Cli.of(server).run("install", "https://plugins.example.com/a.tar.gz", "--config", "a=1");
    assertThat(server.last().contentType()).isEqualTo("application/json");
    assertThat(server.last().body())
        .isEqualTo("{\"url\":\"https://plugins.example.com/a.tar.gz\",\"config\":{\"a\":\"1\"}}");
  }

  @Test
  void no_such_file() {
    assertThat(Cli.of(server).run("install", "nowhere.zip"))
        .isEqualTo(new Ran(3, "", "berth: There is no file or folder nowhere.zip. [not_found]\n"));
    assertThat(server.asked).isEmpty();
  }

  @Test
  void a_folder_is_packed_without_what_is_no_part_of_it() throws IOException {
    Path plugin = Files.createDirectories(folder.resolve("my-plugin"));
    Files.writeString(plugin.resolve("plugin.yaml"), "name: x");
    Files.createDirectories(plugin.resolve("sub/__pycache__"));
    Files.writeString(plugin.resolve("sub/a.py"), "1");
    Files.writeString(plugin.resolve("sub/__pycache__/a.pyc"), "2");
    Files.writeString(plugin.resolve("old.pyc"), "3");
    Files.createDirectories(plugin.resolve(".git"));
    Files.writeString(plugin.resolve(".git/config"), "4");
    Path long1 = plugin.resolve("x".repeat(120) + "ü.txt");
    Files.writeString(long1, "5");

    Path first = folder.resolve("1.tar.gz");
    Path second = folder.resolve("2.tar.gz");
    Folder.pack(plugin, first);
    Files.setLastModifiedTime(long1, java.nio.file.attribute.FileTime.fromMillis(12345));
    Folder.pack(plugin, second);
    assertThat(second).hasSameBinaryContentAs(first);
    assertThat(entries(Files.readAllBytes(first)))
        .containsExactlyInAnyOrderEntriesOf(
            new TreeMap<>(
                java.util.Map.of(
                    "my-plugin/plugin.yaml",
                    "name: x",
                    "my-plugin/sub/a.py",
                    "1",
                    "my-plugin/" + long1.getFileName(),
                    "5")));

    assertThat(Cli.of(server).run("install", plugin.toString()).exit()).isEqualTo(0);
    assertThat(server.last().body()).contains("filename=\"my-plugin.tar.gz\"");
  }

  private static Map<String, String> entries(byte[] archive) throws IOException {
    var entries = new TreeMap<String, String>();
    try (var tar =
        new TarArchiveInputStream(
            new GzipCompressorInputStream(new ByteArrayInputStream(archive)), "UTF-8")) {
      for (var entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        entries.put(entry.getName(), new String(tar.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    return entries;
  }

  @Test
  void a_folder_that_is_no_plugin_and_one_with_a_link() throws IOException {
    assertThat(Cli.of(server).run("install", folder.toString()))
        .isEqualTo(
            new Ran(
                4,
                "",
                "berth: "
                    + folder
                    + " has no plugin.yaml, so it is not a plugin's folder. [manifest_missing]\n"));
    Files.writeString(folder.resolve("plugin.yaml"), "name: x");
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("/etc/passwd"));
    assertThat(Cli.of(server).run("install", folder.toString()))
        .isEqualTo(
            new Ran(
                4,
                "",
                "berth: "
                    + link
                    + " is a link or a special file; a plugin holds plain files only. [archive_link_not_allowed]\n"));
    assertThat(server.asked).isEmpty();
  }

  @Test
  void enabling_too() throws IOException {
    assertThat(Cli.of(server).run("install", archive("a.zip"), "--enable").out())
        .isEqualTo("Installed dice 1.0.0 as plugin_d1.\nEnabled dice.\n");
    assertThat(Cli.of(server).run("install", archive("a.zip"), "--enable", "--json").out())
        .isEqualTo(INSTALLED + "\n{\"status\":\"enabled\"}\n");
    server.problem(
        "POST /api/plugins/plugin_d1/enable", 409, "config_missing", "dice needs api_key.");
    assertThat(Cli.of(server).run("install", archive("a.zip"), "--enable"))
        .isEqualTo(
            new Ran(
                4,
                "Installed dice 1.0.0 as plugin_d1.\n",
                "dice is installed, but was not enabled.\nberth: dice needs api_key. [config_missing]\n"));
  }

  @Test
  void somebody_who_watches_sees_the_steps() throws IOException {
    server.on(
        "POST /api/plugins/install",
        200,
        "text/event-stream;charset=utf-8",
        ": hello\n\nevent: progress\ndata: {\"step\":\"validate\",\"message\":\"plugin\\u001b.yaml\"}\n\nevent: result\ndata: "
            + INSTALLED
            + "\n\n");
    Ran ran = Cli.of(server).terminal().run("install", archive("a.zip"));
    assertThat(server.last().accept()).startsWith("text/event-stream");
    assertThat(ran.exit()).isEqualTo(0);
    assertThat(ran.out()).isEqualTo("Installed dice 1.0.0 as plugin_d1.\n");
    assertThat(ran.err())
        .isEqualTo(
            "\r\u001b[Kvalidate: plugin\\u001b.yaml\r\u001b[KEnable it with: berth enable dice\n");
  }

  @Test
  void an_error_in_the_stream_and_a_stream_that_stops() throws IOException {
    server.on(
        "POST /api/plugins/install",
        200,
        "text/event-stream",
        "event: error\ndata: {\"status\":422,\"code\":\"manifest_invalid\",\"detail\":\"Bad.\"}\n\n");
    Ran ran = Cli.of(server).terminal().run("install", archive("a.zip"));
    assertThat(ran.exit()).isEqualTo(4);
    assertThat(ran.err()).endsWith("berth: Bad. [manifest_invalid]\n");

    server.on(
        "POST /api/plugins/install", 200, "text/event-stream", "event: result\ndata: " + INSTALLED);
    Ran stopped = Cli.of(server).terminal().run("install", archive("a.zip"));
    assertThat(stopped.exit()).isEqualTo(5);
    assertThat(stopped.err()).contains("broke: it ended before the answer.");
  }

  @Test
  void update() throws IOException {
    server.on(
        "POST /api/plugins/plugin_d1/update",
        "{\"plugin_id\":\"plugin_d1\",\"name\":\"dice\",\"version\":\"2.0.0\",\"status\":\"enabled\"}");
    assertThat(Cli.of(server).run("update", "dice", archive("b.zip")))
        .isEqualTo(new Ran(0, "Updated dice to 2.0.0.\n", ""));
    assertThat(server.last().body()).contains("the archive");
  }
}
