package dev.berth.dist;

import dev.berth.cli.Hosting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/**
 * Tests that share one host for each kind of sandbox. After each test the plugins that it installed
 * are uninstalled and nothing of them is left; the host uses no more than with its first plugin.
 * After the last one the host is closed, and nothing of it is left.
 */
@ParameterizedClass(name = "{0}")
@EnumSource(Kinds.class)
abstract class OneHost {
  private static @Nullable RunningBerth host;
  private static @Nullable LeftBehind left;

  @TempDir static Path shared;

  /** This test's own. */
  @TempDir Path folder;

  @Parameter Kinds kind;

  private final List<String> running = new ArrayList<>();

  /** How the kind's host is set up. */
  Hosting hosting() {
    return kind.hosting();
  }

  @BeforeEach
  final void open() throws IOException {
    if (host == null) {
      Hosting hosting = hosting(); // or the test is skipped
      Path place = Files.createDirectories(shared.resolve(kind.name()));
      host = new RunningBerth(place.resolve("data"), hosting);
    }
  }

  final RunningBerth berth() {
    return Objects.requireNonNull(host);
  }

  final LeftBehind left() {
    return Objects.requireNonNull(left);
  }

  /** Installs a plugin for this test. */
  final String installed(Path archive) {
    String id = berth().install(archive);
    running.add(id);
    return id;
  }

  /** Installs and enables a plugin for this test. */
  final String running(Path archive) {
    String id = berth().running(archive);
    running.add(id);
    watch();
    return id;
  }

  private void watch() {
    if (left == null) {
      left = LeftBehind.watch(berth());
      left.takesAsUsual();
    }
  }

  final String running(String fixture) {
    return running(Pack.tar(Fixtures.plugin(fixture), folder));
  }

  /** What a call gives that succeeds. */
  final JsonNode ask(String id, String context) {
    return berth().result(id, context);
  }

  @AfterEach
  final void nothingOfItsPluginsIsLeft() {
    if (host == null) {
      return; // The test was skipped.
    }
    watch(); // where no plugin of the test ran
    running.forEach(this::uninstall);
    left().hostIsAsUsual();
  }

  private void uninstall(String id) {
    // A start that is under way is waited for; the test may have done it itself.
    Eventually.is(
        id + " is uninstalled",
        () -> List.of(200, 404).contains(berth().delete("/api/plugins/" + id).status()));
    left().nothingOf(berth(), id);
  }

  @AfterParameterizedClassInvocation
  static void nothingOfTheHostIsLeft() {
    if (host != null) {
      host.close();
    }
    host = null;
    LeftBehind then = left;
    left = null;
    if (then != null) {
      then.nothing();
    }
  }
}
