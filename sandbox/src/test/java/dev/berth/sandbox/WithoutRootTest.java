package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The sandbox of a host that does not run as root. Run as root, the tests change to a user without
 * rights.
 */
@Timeout(120)
@EnabledIf(
    value = "possible",
    disabledReason = "needs /usr/bin/python3, which every user can read, and setpriv")
final class WithoutRootTest {
  static final String PYTHON = "/usr/bin/python3";

  static boolean possible() {
    return Files.isExecutable(Path.of(PYTHON))
        && (!Bench.isRoot() || Files.isExecutable(Path.of("/usr/bin/setpriv")));
  }

  @Test
  void itIsRefusedUnlessTheOperatorAllowsIt(@TempDir Path folder) throws IOException {
    try (ChildHost host = ChildHost.startWithoutRoot(folder, PYTHON, 1, false)) {
      assertThat(host.await("refused"))
          .startsWith("sandbox_too_weak Plugin plugin_0 is not started: this host can't give its")
          .contains("uid_per_plugin (Berth does not run as root, or in")
          .endsWith("To start plugins nevertheless, serve with --allow-weak-isolation.");
    }
  }

  @ParameterizedTest
  @EnumSource(ProcessMode.class)
  void whatTheKernelGivesEveryUserHolds(ProcessMode mode, @TempDir Path folder) throws Exception {
    try (ChildHost host = ChildHost.startWithoutRoot(folder, PYTHON, 3, true, mode)) {
      assertThat(host.await("missing")).contains("uid_per_plugin");
      assertThat(host.await("enforced"))
          .contains(
              "mount_namespace",
              "pid_namespace",
              "network_none",
              "user_namespace",
              "seccomp",
              "process_limit");
      List<String> attacks = new ArrayList<>();
      for (int i = 0; i < 9; i++) {
        attacks.add(host.await("attack"));
      }
      assertThat(attacks)
          .containsExactlyInAnyOrder(
              "shadow=ENOENT",
              "unshare=EPERM",
              "net=ENETUNREACH",
              "pids=1",
              "setuid=EINVAL",
              "setgroups=EPERM",
              "write=EROFS",
              "data=no error",
              "forks=ended");
      host.await("ready");
      List<Long> all = HostView.descendants(host.pid());
      assertThat(host.end()).isZero();
      assertThat(all).noneMatch(pid -> Files.exists(Path.of("/proc/" + pid)));
    }
  }
}
