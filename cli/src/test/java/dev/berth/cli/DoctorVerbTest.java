package dev.berth.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.HostReport;
import dev.berth.api.Isolation;
import dev.berth.cli.Cli.Ran;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What `berth doctor` prints, whole. */
final class DoctorVerbTest {
  private final FakeLocal local = new FakeLocal();

  private static HostReport report(Isolation.Missing... missing) {
    return new HostReport(
        Map.of("kernel", "6.1.0", "user", "root"),
        List.of(
            new HostReport.Level(
                "process",
                true,
                "",
                new Isolation("process", List.of("seccomp", "landlock"), List.of(missing))),
            new HostReport.Level(
                "docker",
                false,
                "no engine answers",
                new Isolation(
                    "docker",
                    List.of(),
                    List.of(
                        new Isolation.Missing("docker", "no engine answers", "Install Docker."))))),
        List.of(
            new Isolation.Finding("docker_engine", false, "no engine answers", "Install Docker."),
            new Isolation.Finding("disk", true, "12 MiB are free", ""),
            new Isolation.Finding("clock", false, "it is not in step", "timedatectl set-ntp true")),
        "process");
  }

  @Test
  void a_complete_host() {
    local.report = report(new Isolation.Missing("data_size_limit", "no quota", "Set one."));
    Ran ran = new Cli().with(local).run("doctor", "--data", "/srv/berth");
    assertThat(ran)
        .isEqualTo(
            new Ran(
                0,
                """
                This host: kernel 6.1.0, user root

                PROTECTION       process  docker
                seccomp          yes      -
                landlock         yes      -
                data size limit  no       -

                process: no data size limit: no quota
                  Set one.

                docker can't be had: no engine answers
                  Install Docker.

                ok    disk: 12 MiB are free
                note  clock: it is not in step
                      timedatectl set-ntp true

                The standard sandbox (process) is complete here: what it has not is missing on most hosts, or by choice.
                """,
                ""));
    assertThat(local.examined).containsExactly(Path.of("/srv/berth"));
  }

  @Test
  void a_weak_host_ends_with_1() {
    local.report = report(new Isolation.Missing("memory_limit", "no group", "Run as root."));
    Ran ran = new Cli().with(local).run("doctor");
    assertThat(ran.exit()).isEqualTo(1);
    assertThat(ran.out()).endsWith("The standard sandbox (process) is not complete here.\n");
  }

  @Test
  void json() {
    local.report = report(new Isolation.Missing("memory_limit", "no group", "Run as root."));
    Ran ran = new Cli().with(local).run("doctor", "--json");
    assertThat(ran.exit()).isEqualTo(1);
    var answer = JsonText.parse(ran.out());
    assertThat(answer.path("complete").asBoolean(true)).isFalse();
    assertThat(answer.path("standard").asString()).isEqualTo("process");
    assertThat(answer.path("levels").path(0).path("missing").path(0).toString())
        .isEqualTo(
            "{\"protection\":\"memory_limit\",\"why\":\"no group\",\"remedy\":\"Run as root.\"}");
    assertThat(answer.path("levels").path(1).path("available").asBoolean(true)).isFalse();
    assertThat(answer.path("findings").path(2).path("ok").asBoolean(true)).isFalse();
  }
}
