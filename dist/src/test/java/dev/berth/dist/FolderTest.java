package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** Folders of the host that the operator shows to a plugin. */
@Timeout(120)
@RootOnly("only root can give files two owners")
final class FolderTest {
  @TempDir Path folder;

  private static JsonNode ask(RunningBerth berth, String id, String what, String at) {
    Answer answer = berth.execute(id, "{\"do\":\"" + what + "\",\"at\":\"" + at + "\"}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return answer.json().path("result");
  }

  @ParameterizedTest
  @EnumSource(Kinds.class)
  void a_plugin_sees_what_it_is_shown_and_nothing_beside(Kinds kind) throws IOException {
    Path photos = Files.createDirectories(folder.resolve("photos"));
    Path notes = Files.createDirectories(folder.resolve("notes"));
    Path secret = folder.resolve("secret");
    Files.writeString(secret, "outside");
    Files.writeString(photos.resolve("one"), "a photo");
    Files.setPosixFilePermissions(
        photos.resolve("one"), PosixFilePermissions.fromString("rw-------"));
    Files.createSymbolicLink(photos.resolve("away"), secret);
    Files.writeString(photos.resolve("tool"), "#!/usr/bin/env python3\nprint(1)\n");
    Files.setPosixFilePermissions(
        photos.resolve("tool"), PosixFilePermissions.fromString("rwxr-xr-x"));
    for (Path path : List.of(notes, photos)) {
      Files.setAttribute(path, "unix:uid", 1234);
    }
    Files.setAttribute(photos.resolve("one"), "unix:uid", 1234);
    var hosting =
        kind.hosting().withFolders(List.of("reader=" + photos, "reader=" + notes + ":rw"));
    try (var berth = new RunningBerth(folder.resolve("data"), hosting)) {
      String id = berth.running(Pack.tar(Fixtures.plugin("reader"), folder));
      assertThat(ask(berth, id, "names", "/folders").path("value").toString())
          .isEqualTo("[\"notes\",\"photos\"]");
      assertThat(ask(berth, id, "read", "/folders/photos/one").path("value").asString())
          .isEqualTo("a photo");
      assertThat(ask(berth, id, "write", "/folders/photos/new").path("error").asString())
          .isEqualTo("EROFS");
      assertThat(ask(berth, id, "read", "/folders/photos/away").path("error").asString())
          .isEqualTo("ENOENT");
      assertThat(ask(berth, id, "read", "/folders/photos/../secret").path("error").asString())
          .isEqualTo("ENOENT");
      assertThat(ask(berth, id, "run", "/folders/photos/tool").path("error").asString())
          .isEqualTo("EACCES");
      assertThat(ask(berth, id, "write", "/folders/new").path("error").asString())
          .isIn("EROFS", "EACCES");
      assertThat(ask(berth, id, "write", "/folders/notes/new").path("value").asBoolean()).isTrue();
      assertThat(Files.readString(notes.resolve("new"))).isEqualTo("written by a plugin");
      assertThat(Files.getAttribute(notes.resolve("new"), "unix:uid")).isEqualTo(1234);
      // It is its owner's there, whose rights a set-user-id program of the plugin's making would
      // have.
      assertThat(ask(berth, id, "privileged", "/folders/notes/new").path("error").asString())
          .isEqualTo("EPERM");
      assertThat((int) Files.getAttribute(notes.resolve("new"), "unix:mode") & 06000).isZero();
      // With a lease it would have the host's programs wait for it.
      assertThat(ask(berth, id, "hold", "/folders/photos/one").path("error").asString())
          .isEqualTo("EPERM");
      // A link that it leaves for the host to follow is a link, to the plugin's own tree.
      assertThat(ask(berth, id, "link", "/folders/notes/trap").path("value").asString())
          .isEqualTo("/etc/shadow");
      assertThat(ask(berth, id, "read", "/folders/notes/trap").path("error").asString())
          .isEqualTo("ENOENT");
      assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
      assertThat(photos.resolve("one")).exists();
      assertThat(notes.resolve("new")).exists();
    }
  }

  @Test
  void without_the_permission_nothing_is_shown() throws IOException {
    Path photos = Files.createDirectories(folder.resolve("photos"));
    Path copy = Files.createDirectories(folder.resolve("other"));
    Files.copy(Fixtures.plugin("reader").resolve("main.py"), copy.resolve("main.py"));
    Files.writeString(
        copy.resolve("plugin.yaml"),
        "name: reader\nversion: 1.0.0\ndescription: x\nclass: Reader\n"
            + "optional_permissions: [filesystem_read]\n");
    var hosting = Kinds.PROCESS.hosting().withFolders(List.of("reader=" + photos));
    try (var berth = new RunningBerth(folder.resolve("data"), hosting)) {
      String id = berth.running(Pack.tar(copy, folder));
      assertThat(ask(berth, id, "names", "/folders").path("value").isEmpty()).isTrue();
    }
  }

  @Test
  void what_can_not_be_shown_is_refused_at_start() throws IOException {
    Path data = Files.createDirectories(folder.resolve("data"));
    for (String option :
        List.of(
            "reader",
            "Reader=" + folder,
            "reader=" + folder.resolve("missing"),
            "reader=/",
            "reader=" + folder,
            "reader=" + data,
            "reader=relative")) {
      assertThatThrownBy(() -> FolderOptions.parse(List.of(option), data))
          .as(option)
          .hasMessageStartingWith("--folder " + option + ": ");
    }
    Path a = Files.createDirectories(folder.resolve("a/same"));
    Path b = Files.createDirectories(folder.resolve("b/same"));
    assertThatThrownBy(
            () -> FolderOptions.parse(List.of("reader=" + a, "reader=" + b + ":rw"), data))
        .hasMessageContaining("two folders of one plugin end in 'same'");
    assertThat(FolderOptions.parse(List.of("reader=" + a, "other=" + b + ":rw"), data)).hasSize(2);
  }
}
