package dev.berth.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class UploadTest {
  private static final String INSTALL = "/api/plugins/install";

  private ServerFixture berth;

  @BeforeEach
  void start() {
    berth = ServerFixture.serving(ServerFixture.tight());
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    assertThat(berth.leftInUploads()).isEmpty();
    berth.close();
  }

  private HttpResponse<String> install(String... parts) throws Exception {
    return berth.send(berth.multipart(INSTALL, parts));
  }

  private void assertRefused(HttpResponse<String> response, int status, String code) {
    assertThat(response.body()).contains("\"" + code + "\"");
    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(berth.service.installs).isEmpty();
  }

  @Test
  void installsAnArchiveWithItsSettings() throws Exception {
    String content = "not really gzip \r\n--X\r\n" + "z".repeat(50_000);

    HttpResponse<String> response =
        install(
            ServerFixture.filePart("my-plugin-1.0.0.tar.gz", content),
            ServerFixture.configPart("{\"sides\": 20}"));

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body())
        .isEqualTo(
            "{\"plugin_id\":\"plugin_123\",\"name\":\"my-plugin\",\"version\":\"1.0.0\","
                + "\"status\":\"installed\"}");
    assertThat(berth.service.installs).containsExactly("my-plugin-1.0.0.tar.gz {\"sides\": 20}");
    assertThat(berth.service.archives.getFirst())
        .isEqualTo(content.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** What is on disk is bounded, however many send at once: from its head until it is installed. */
  @Test
  void uploadsAtOnceHaveSoMuchRoomTogether() throws Exception {
    var taken = new CountDownLatch(4);
    var go = new CountDownLatch(1);
    berth.service.onInstall =
        () -> {
          taken.countDown();
          try {
            assertThat(go.await(20, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        };
    String part = ServerFixture.filePart("a.zip", "x".repeat(90_000));
    List<CompletableFuture<HttpResponse<String>>> sent = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      sent.add(
          berth.client.sendAsync(
              berth.multipart(INSTALL, part).build(), HttpResponse.BodyHandlers.ofString()));
    }
    assertThat(taken.await(20, TimeUnit.SECONDS)).isTrue();

    HttpResponse<String> tooMany = install(part);

    assertThat(ServerFixture.code(tooMany)).isEqualTo("uploads_busy");
    assertThat(tooMany.statusCode()).isEqualTo(503);
    assertThat(tooMany.headers().firstValue("Retry-After")).contains("1");
    assertThat(tooMany.body()).contains("Uploads under way have taken").contains("Try again");
    assertThat(berth.leftInUploads()).hasSize(4);
    go.countDown();
    for (CompletableFuture<HttpResponse<String>> each : sent) {
      assertThat(each.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
    assertThat(install(part).statusCode()).isEqualTo(200);
  }

  @Test
  void anUploadThatFailedGivesItsRoomBack() throws Exception {
    for (int i = 0; i < 5; i++) {
      assertThat(
              install("Content-Disposition: form-data; name=\"other\"\r\n\r\n" + "x".repeat(90_000))
                  .statusCode())
          .isEqualTo(400);
    }
  }

  @Test
  void theUploadIsPrivateAndGoneAfterwards() throws Exception {
    berth.service.onInstall =
        () -> {
          try {
            List<String> left = berth.leftInUploads();
            assertThat(left).hasSize(1);
            assertThat(Files.getPosixFilePermissions(berth.uploads.resolve(left.getFirst())))
                .hasToString("[OWNER_READ, OWNER_WRITE]");
          } catch (java.io.IOException e) {
            throw new AssertionError(e);
          }
          throw new PluginException(ErrorCode.MANIFEST_INVALID, "plugin.yaml:1:1: no");
        };

    HttpResponse<String> response = install(ServerFixture.filePart("a.zip", "x"));

    assertThat(response.statusCode()).isEqualTo(422);
    assertThat(ServerFixture.code(response)).isEqualTo("manifest_invalid");
  }

  @Test
  void whatAnEarlierRunLeftIsRemoved() throws Exception {
    Files.writeString(berth.uploads.resolve("old.upload"), "half");
    berth.server.close();
    try (BerthServer again = BerthServer.start(ServerSettings.of("127.0.0.1", 0, berth.uploads))) {
      assertThat(again.url().getPort()).isPositive();
      assertThat(berth.leftInUploads()).isEmpty();
    }
  }

  @Test
  void aUrlIsTheServicesAffair() throws Exception {
    HttpResponse<String> response =
        berth.post(INSTALL, "{\"plugin_url\":\"https://plugins.example.com/a.tar.gz\"}");
    assertRefused(response, 501, "not_implemented");
    assertRefused(berth.post(INSTALL, "{\"plugin_url\":\"::\"}"), 422, "url_not_allowed");
    assertRefused(berth.post(INSTALL, "{}"), 400, "bad_request");
    assertRefused(berth.post(INSTALL, "{\"plugin_url\":\"x\",\"y\":1}"), 400, "unknown_field");
    assertRefused(berth.post(INSTALL, "archive bytes"), 400, "invalid_json");
  }

  @Test
  void api05ATooLargeUploadIsRefusedEarly() throws Exception {
    String declared =
        berth.raw(
            "POST /api/plugins/install HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10737418240\r\n"
                + "Content-Type: multipart/form-data; boundary=XX\r\n\r\n");
    assertThat(declared).startsWith("HTTP/1.1 413").contains("body_too_large", "limit_bytes");

    // Without a length: it is refused once more than the limit has come.
    try (Socket socket = berth.socket()) {
      var out = socket.getOutputStream();
      out.write(
          ("POST /api/plugins/install HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                  + "Content-Type: multipart/form-data; boundary=XX\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      byte[] head =
          ("--XX\r\n" + ServerFixture.filePart("a.zip", "")).getBytes(StandardCharsets.US_ASCII);
      byte[] piece = new byte[10_000];
      writeChunk(out, head);
      for (int i = 0; i < 11; i++) {
        writeChunk(out, piece);
      }
      out.flush();
      byte[] answer = new byte[12];
      assertThat(socket.getInputStream().readNBytes(answer, 0, 12)).isEqualTo(12);
      assertThat(new String(answer, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 413");
    }
    HttpResponse<String> zipped =
        berth.send(
            berth
                .multipart(INSTALL, ServerFixture.filePart("a.zip", "x"))
                .header("Content-Encoding", "gzip"));
    assertRefused(zipped, 415, "unsupported_media_type");
  }

  private static void writeChunk(java.io.OutputStream out, byte[] bytes) throws Exception {
    out.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
    out.write(bytes);
    out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void api06MalformedMultipartIsRefused() throws Exception {
    String file = ServerFixture.filePart("a.zip", "x");
    assertRefused(install(), 400, "multipart_malformed");
    assertRefused(install(file, file), 400, "multipart_malformed");
    assertRefused(install(ServerFixture.filePart("../../x", "x")), 400, "multipart_malformed");
    assertRefused(install(ServerFixture.filePart("..", "x")), 400, "multipart_malformed");
    assertRefused(install("Content-Disposition: form-data\r\n\r\nx"), 400, "multipart_malformed");
    assertRefused(
        install("Content-Disposition: form-data; name=\"fil\"\r\n\r\nx"), 400, "unknown_field");
    assertRefused(install(file, ServerFixture.configPart("{")), 400, "invalid_json");
    assertRefused(
        install(file, ServerFixture.configPart("{\"a\":1,\"a\":2}")), 400, "invalid_json");
    assertRefused(
        install(file, ServerFixture.configPart("{\"a\":\"" + "x".repeat(20_000) + "\"}")),
        413,
        "body_too_large");
    String[] many = new String[200];
    java.util.Arrays.fill(many, "X: y\r\n\r\n");
    assertRefused(install(many), 400, "multipart_malformed");
    assertRefused(install("X: " + "y".repeat(60_000) + "\r\n" + file), 400, "multipart_malformed");

    assertRefused(raw("multipart/form-data", ServerFixture.form(file)), 400, "multipart_malformed");
    assertRefused(
        raw("multipart/form-data; boundary=" + "b".repeat(500), "x"), 400, "multipart_malformed");
    String open = ServerFixture.form(file);
    assertRefused(
        raw("multipart/form-data; boundary=XX", open.substring(0, open.length() - 6)),
        400,
        "body_incomplete");
    assertRefused(raw("multipart/form-data; boundary=YY", open), 400, "body_incomplete");
  }

  private HttpResponse<String> raw(String contentType, String body) throws Exception {
    return berth.send(
        berth
            .request(INSTALL)
            .header("Content-Type", contentType)
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  @Test
  void aBodyThatStopsHalfWayLeavesNothing() throws Exception {
    try (Socket socket = berth.socket()) {
      socket
          .getOutputStream()
          .write(
              ("POST /api/plugins/install HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n"
                      + "Content-Type: multipart/form-data; boundary=XX\r\n\r\n--XX\r\n"
                      + ServerFixture.filePart("a.zip", "half"))
                  .getBytes(StandardCharsets.US_ASCII));
      socket.shutdownOutput();
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

      assertThat(answer).startsWith("HTTP/1.1 400").contains("body_incomplete");
      assertThat(berth.service.installs).isEmpty();
    }
  }

  @Test
  void anUpdateTakesNoSettings() throws Exception {
    HttpResponse<String> response =
        berth.send(
            berth.multipart(
                "/api/plugins/plugin_dice/update",
                ServerFixture.filePart("a.zip", "x"),
                ServerFixture.configPart("{}")));
    assertRefused(response, 400, "unknown_field");

    HttpResponse<String> updated =
        berth.send(
            berth.multipart(
                "/api/plugins/plugin_dice/update", ServerFixture.filePart("a.zip", "x")));
    assertThat(updated.body())
        .isEqualTo(
            "{\"plugin_id\":\"plugin_dice\",\"name\":\"dice\",\"version\":\"1.0.0\","
                + "\"status\":\"enabled\",\"message\":\"Plugin updated successfully\"}");
  }
}
