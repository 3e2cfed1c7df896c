package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said of containers, by an engine that only says its version. */
final class ContainersTest {
  @TempDir Path folder;

  private static HttpServer engine() throws IOException {
    HttpServer engine =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    engine.createContext(
        "/",
        exchange -> {
          byte[] answer = "{\"ApiVersion\":\"1.43\"}".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, answer.length);
          try (OutputStream body = exchange.getResponseBody()) {
            body.write(answer);
          }
        });
    engine.start();
    return engine;
  }

  @Test
  void a_container_that_ends_with_its_engine_is_told_of_by_the_engine() throws IOException {
    HttpServer server = engine();
    String host = "tcp://127.0.0.1:" + server.getAddress().getPort();
    try (DockerEngine engine = DockerEngine.connect(host);
        RunFolder run = RunFolder.open(folder);
        Rendezvous rendezvous = Rendezvous.open(run.path())) {
      DockerSandboxSettings settings = DockerSandboxSettings.of(folder, Path.of("python3"));
      var containers = new Containers(settings, engine, run, rendezvous, folder);
      assertThat(containers.endedEarly("ended with 1"))
          .hasMessageContaining("its container ended with 1. The engine's own log may say more");
      server.stop(0);
      PluginException gone = containers.endedEarly("ended with 1");
      assertThat(gone.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE);
      assertThat(gone).hasMessageContaining("Start Docker (systemctl start docker)");
    } finally {
      server.stop(0);
    }
  }
}
