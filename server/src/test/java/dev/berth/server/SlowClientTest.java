package dev.berth.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.Json;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** API-07: clients that hold connections by being slow, while others are served. */
class SlowClientTest {
  private ServerFixture berth;
  private final ScheduledExecutorService drip = Executors.newSingleThreadScheduledExecutor();
  private final List<Socket> sockets = new ArrayList<>();

  @BeforeEach
  void start() {
    berth = ServerFixture.serving(ServerFixture.impatient());
  }

  @AfterEach
  void stop() throws IOException {
    drip.shutdownNow();
    for (Socket socket : sockets) {
      socket.close();
    }
    berth.close();
  }

  /** Opens a connection, sends a beginning, and goes on with a byte now and then. */
  private Socket dripping(String beginning) throws IOException {
    Socket socket = berth.socket();
    sockets.add(socket);
    socket.getOutputStream().write(beginning.getBytes(StandardCharsets.US_ASCII));
    socket.getOutputStream().flush();
    var _ =
        drip.scheduleWithFixedDelay(
            () -> {
              try {
                socket.getOutputStream().write('a');
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            },
            100,
            100,
            TimeUnit.MILLISECONDS);
    return socket;
  }

  /** All that comes before the connection ends, a reset being an end too. */
  private static String untilItEnds(Socket socket) {
    var all = new StringBuilder();
    byte[] buffer = new byte[64 << 10];
    try {
      InputStream in = socket.getInputStream();
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        all.append(new String(buffer, 0, count, StandardCharsets.US_ASCII));
      }
    } catch (IOException e) {
      assertThat(e).isNotInstanceOf(java.net.SocketTimeoutException.class);
    }
    return all.toString();
  }

  @Test
  void aHeadThatTricklesInIsCutOff() throws Exception {
    Socket first = dripping("GET /api/plugins HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    Socket second = dripping("G");
    // On a connection that has been of use before, too.
    Socket kept = berth.socket();
    sockets.add(kept);
    kept.getOutputStream()
        .write(
            "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
                .getBytes(StandardCharsets.US_ASCII));
    assertThat(kept.getInputStream().read()).isEqualTo('H');
    var _ =
        drip.scheduleWithFixedDelay(
            () -> {
              try {
                kept.getOutputStream().write('a');
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            },
            100,
            100,
            TimeUnit.MILLISECONDS);

    untilItEnds(first);
    untilItEnds(second);
    untilItEnds(kept);
    assertThat(berth.get("/health/live").statusCode()).isEqualTo(200);
  }

  @Test
  void aBodyThatTricklesInIsCutOff() throws Exception {
    Socket call =
        dripping(
            "POST /api/plugins/plugin_dice/execute HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Length: 9000\r\n\r\n{");
    Socket upload =
        dripping(
            "POST /api/plugins/install HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n"
                + "Content-Type: multipart/form-data; boundary=XX\r\n\r\n--XX\r\n"
                + ServerFixture.filePart("a.zip", ""));

    assertThat(untilItEnds(call)).startsWith("HTTP/1.1 408").contains("request_timeout");
    assertThat(untilItEnds(upload)).startsWith("HTTP/1.1 408").contains("request_timeout");
    assertThat(berth.leftInUploads()).isEmpty();
  }

  /** Each byte comes well within the time that a connection may be silent. */
  @Test
  void aJsonBodyThatTricklesInIsCutOffOnEveryRoute() throws Exception {
    for (String head :
        List.of(
            "PUT /api/plugins/plugin_dice/config HTTP/1.1\r\n",
            "POST /api/plugins/plugin_dice/execute HTTP/1.1\r\nAccept: text/event-stream\r\n",
            "POST /api/plugins/install HTTP/1.1\r\nContent-Type: application/json\r\n")) {
      Socket socket = dripping(head + "Host: localhost\r\nContent-Length: 9000\r\n\r\n{");
      socket.setSoTimeout(8_000);
      assertThat(untilItEnds(socket))
          .as(head)
          .startsWith("HTTP/1.1 408")
          .contains("request_timeout");
    }
  }

  @Test
  void aBodyThatStopsComingIsCutOff() throws Exception {
    for (String target : List.of("/api/plugins/plugin_dice/execute", "/api/keys")) {
      Socket socket = berth.socket();
      sockets.add(socket);
      socket
          .getOutputStream()
          .write(
              ("POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90\r\n\r\n{")
                  .getBytes(StandardCharsets.US_ASCII));
      assertThat(untilItEnds(socket)).as(target).startsWith("HTTP/1.1 408");
    }
  }

  @Test
  void aClientThatDoesNotReadIsCutOff() throws Exception {
    Json large = Json.of("\"" + "x".repeat(8 << 20) + "\"");
    berth.service.onExecute =
        _ -> CompletableFuture.completedFuture(FakePluginService.succeeded(large));
    Socket socket = berth.socket();
    sockets.add(socket);
    socket
        .getOutputStream()
        .write(
            ("POST /api/plugins/plugin_dice/execute HTTP/1.1\r\nHost: localhost\r\n"
                    + "Content-Length: 2\r\n\r\n{}")
                .getBytes(StandardCharsets.US_ASCII));
    // Three others are cut off one after the other meanwhile, each after the time that is allowed.
    for (int i = 0; i < 3; i++) {
      untilItEnds(dripping("G"));
    }
    assertThat(untilItEnds(socket).length()).isLessThan(8 << 20);
  }

  @Test
  void manySlowOnesDoNotHoldUpOthers() throws Exception {
    for (int i = 0; i < 100; i++) {
      dripping("POST /api/plugins/plugin_dice/execute HTTP/1.1\r\nHost: loc");
      if (i % 10 == 0) {
        assertThat(berth.execute("{}").statusCode()).isEqualTo(200);
      }
    }
    for (Socket socket : sockets) {
      untilItEnds(socket);
    }
  }
}
