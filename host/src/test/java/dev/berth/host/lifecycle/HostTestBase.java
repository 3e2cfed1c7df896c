package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.sandbox.ProcessSandbox;
import dev.berth.sandbox.ProcessSandboxSettings;
import dev.berth.sandbox.Sandbox;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** The whole host, with real workers in the real process sandbox, for the tests that extend it. */
abstract class HostTestBase {
  /** Lines of plugin.yaml. */
  static final String SETTINGS =
      """
      config_schema:
        api_key:
          type: string
          required: true
          secret: true
        sides:
          type: integer
          default: 6
          minimum: 2
      """;

  @TempDir Path folder;

  static Sandbox sandbox;
  HostFixture host;

  @BeforeAll
  static void openSandbox(@TempDir Path data) {
    sandbox = ProcessSandbox.open(ProcessSandboxSettings.of(data).withAllowWeak(true));
  }

  @AfterAll
  static void closeSandbox() {
    sandbox.close();
  }

  @BeforeEach
  void open() {
    host = new HostFixture(folder.resolve("data"), sandbox);
  }

  @AfterEach
  void close() {
    host.close();
  }

  void reopen() {
    host.close();
    host = new HostFixture(folder.resolve("data"), sandbox);
  }

  PluginId install(Archives.Source source) {
    return host.plugins.install(source.packed(folder)).id();
  }

  PluginId enabled(Archives.Source source) {
    PluginId id = install(source);
    host.plugins.enable(id);
    return id;
  }

  static PluginException refused(Runnable work) {
    return catchThrowableOfType(PluginException.class, work::run);
  }
}
