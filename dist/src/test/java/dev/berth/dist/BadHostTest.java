package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A host that lacks something: what it says, with the remedy, and that nothing is half done. */
@Timeout(180)
@RootOnly("only root can take these things away")
final class BadHostTest {
  private static final String MAIN =
      """
      class P:
          def __init__(self, config): pass
          async def execute(self, context): return {"fine": True}
      """;

  @TempDir Path folder;

  private Path data;

  @BeforeEach
  void make() throws IOException {
    data = Files.createDirectory(folder.resolve("data"));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @AfterEach
  void unmount() throws IOException, InterruptedException {
    if (Files.readString(Path.of("/proc/self/mountinfo")).contains(data.toString())) {
      Pack.run(folder, "umount", data.toString());
    }
  }

  /**
   * Runs what follows with {@code mounts}, shell commands, done in a mount namespace of its own.
   */
  private static List<String> with(String mounts) {
    return List.of(
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        mounts + " && exec \"$@\"",
        "sh");
  }

  private String installed(ServeProcess berth) {
    Answer answer = berth.upload("/api/plugins/install", Pack.plugin(folder, "fine", MAIN));
    assertThat(answer.status()).as(answer.body()).isIn(200, 201);
    return answer.json().path("plugin_id").asString();
  }

  @Test
  void control_groups_that_can_not_be_written_are_named_and_plugins_not_started() {
    String readOnly =
        "for g in $(grep -o ' /sys/fs/cgroup[^ ]*' /proc/self/mountinfo); do mount -o remount,bind,ro $g; done";
    String id;
    try (var berth = new ServeProcess(data, Map.of(), "--sandbox", "process")) {
      id = installed(berth);
      assertThat(berth.post("/api/plugins/" + id + "/enable", "").status()).isEqualTo(200);
    }
    try (var berth = new ServeProcess(with(readOnly), data, Map.of(), "--sandbox", "process")) {
      Answer isolation = berth.get("/api/isolation");
      assertThat(isolation.json().path("missing").toString())
          .contains("memory_limit")
          .contains("/sys/fs/cgroup");
      // It was enabled, so it is tried, again and again; its state says why it does not come.
      Answer health = berth.get("/api/plugins/" + id + "/health");
      while (!health.json().path("message").asString().contains("memory_limit")) {
        assertThat(health.json().path("status").asString()).isIn("starting", "unhealthy");
        health = berth.get("/api/plugins/" + id + "/health");
      }
      assertThat(health.json().path("message").asString()).contains("--allow-weak-isolation");
      Answer call = berth.execute(id, "{}");
      assertThat(call.status()).as(call.body()).isEqualTo(503);
      assertThat(call.code()).isEqualTo("sandbox_too_weak");
      assertThat(call.detail()).contains("memory_limit");
      assertThat(berth.said()).contains("memory_limit");
    }
    try (var berth = new ServeProcess(data, Map.of(), "--sandbox", "process")) {
      Answer call = berth.execute(id, "{}");
      assertThat(call.status()).as(call.body()).isEqualTo(200);
    }
  }

  @Test
  void an_engine_that_may_not_be_spoken_to_is_said_with_the_remedy() throws IOException {
    Path socket = folder.resolve("docker.sock");
    try (var server =
        java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
      server.bind(java.net.UnixDomainSocketAddress.of(socket));
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
      Pack.run(folder, "chown", "65534:65534", socket.toString());
      try (var berth =
          new ServeProcess(
              List.of("setpriv", "--bounding-set=-dac_override,-dac_read_search"),
              data,
              Map.of("DOCKER_HOST", "unix://" + socket),
              "--sandbox",
              "docker")) {
        assertThat(berth.failed()).isNotZero();
        assertThat(berth.said())
            .contains("The Docker engine at")
            .contains(socket.toString())
            .contains("Permission denied")
            .contains("Run Berth as root, or put its user into the group that owns the socket.")
            .doesNotContain("\tat dev.berth");
      }
    }
  }

  @Test
  void a_module_that_python_lacks_is_named_at_start() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    String library =
        "$(python3 -c 'import os; print(os.path.dirname(os.path.realpath(os.__file__)))')/asyncio";
    try (var berth =
        new ServeProcess(
            with("mount --bind " + empty + " " + library),
            data,
            Map.of(),
            "--sandbox",
            "process")) {
      assertThat(berth.failed()).isNotZero();
      assertThat(berth.said()).contains("asyncio").doesNotContain("\tat dev.berth");
    }
  }

  @Test
  void a_full_disk_refuses_an_install_and_leaves_nothing_of_it() throws IOException {
    Pack.run(folder, "mount", "-t", "tmpfs", "-o", "size=24m", "none", data.toString());
    try (var berth = new ServeProcess(data, Map.of(), "--sandbox", "process")) {
      String id = installed(berth);
      assertThat(berth.post("/api/plugins/" + id + "/enable", "").status()).isEqualTo(200);
      Path big = Files.createDirectories(folder.resolve("big"));
      byte[] noise = new byte[28 << 20];
      new java.util.Random(1).nextBytes(noise);
      Files.write(big.resolve("noise.bin"), noise);
      Pack.write(
          big, Map.of("plugin.yaml", "name: big\nversion: 1.0.0\nclass: P\n", "main.py", MAIN));
      Answer full = berth.upload("/api/plugins/install", Pack.tar(big, folder));
      assertThat(full.status()).as(full.body()).isEqualTo(507);
      assertThat(full.code()).isEqualTo("disk_full");
      assertThat(full.detail()).contains(data.toString()).contains("Free some space");
      assertThat(berth.get("/api/plugins").json().path("total").asInt()).isEqualTo(1);
      assertThat(berth.execute(id, "{}").status()).isEqualTo(200);
      // With the disk full to the last byte the store can't grow by what is to be remembered: that
      // is refused, nothing is changed, and what runs goes on.
      Path filler = data.resolve("filler");
      try (var out = Files.newOutputStream(filler)) {
        while (true) {
          out.write(new byte[1 << 16]);
        }
      } catch (IOException nothingLeft) {
        assertThat(nothingLeft).hasMessageContaining("space");
      }
      assertThat(berth.execute(id, "{}").status()).isEqualTo(200);
      String disable = "/api/plugins/" + id + "/disable";
      Answer refused = berth.post(disable, "");
      assertThat(refused.status()).as(refused.body()).isEqualTo(507);
      assertThat(refused.code()).isEqualTo("disk_full");
      assertThat(refused.detail()).contains("nothing was changed", "Free some space");
      assertThat(berth.get("/api/plugins/" + id).json().path("status").asString())
          .isEqualTo("enabled");
      assertThat(berth.execute(id, "{}").status()).isEqualTo(200);
      Files.delete(filler);
      assertThat(berth.post(disable, "").status()).isEqualTo(200);
      assertThat(berth.execute(id, "{}").code()).isEqualTo("plugin_not_enabled");
      assertThat(berth.post("/api/plugins/" + id + "/enable", "").status()).isEqualTo(200);
      assertThat(berth.execute(id, "{}").status()).isEqualTo(200);
    }
  }
}
