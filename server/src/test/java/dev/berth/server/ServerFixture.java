package dev.berth.server;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server that listens, on a fake service, and ways to talk to it. */
final class ServerFixture implements AutoCloseable {
  static final JsonMapper MAPPER = new JsonMapper();

  final FakePluginService service = new FakePluginService();
  final FakeKeys keys = new FakeKeys();
  final Path uploads;
  final BerthServer server;
  final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private ServerFixture(ServerSettings settings) {
    uploads = settings.uploads();
    server = BerthServer.start(settings);
  }

  static ServerFixture starting(ServerSettings settings) {
    return new ServerFixture(settings);
  }

  static ServerFixture serving(ServerSettings settings) {
    var fixture = new ServerFixture(settings);
    fixture.server.serve(fixture.service, fixture.keys);
    return fixture;
  }

  static ServerFixture serving() {
    return serving(settings("127.0.0.1"));
  }

  static ServerSettings settings(String host) {
    return ServerSettings.of(host, 0, temporaryFolder());
  }

  /** Small bounds, so that going over them is quick. */
  static ServerSettings tight() {
    return tight(Duration.ofSeconds(10));
  }

  /** The same, with little time for a client to send what it sends. */
  static ServerSettings impatient() {
    return tight(Duration.ofMillis(400));
  }

  private static ServerSettings tight(Duration idle) {
    return new ServerSettings(
        "127.0.0.1",
        0,
        temporaryFolder(),
        100_000,
        10_000,
        idle,
        16 << 10,
        1,
        Duration.ofSeconds(5));
  }

  private static Path temporaryFolder() {
    try {
      return Files.createTempDirectory("berth-uploads");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server.url() + path)).timeout(Duration.ofSeconds(20));
  }

  HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  HttpResponse<String> get(String path) throws Exception {
    return send(request(path));
  }

  HttpResponse<String> post(String path, String body) throws Exception {
    return send(request(path).POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  HttpResponse<String> execute(String body) throws Exception {
    return post("/api/plugins/plugin_dice/execute", body);
  }

  HttpResponse<InputStream> stream(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
  }

  /** A multipart request of these parts, each with its head. */
  HttpRequest.Builder multipart(String path, String... parts) {
    return request(path)
        .header("Content-Type", "multipart/form-data; boundary=XX")
        .POST(HttpRequest.BodyPublishers.ofString(form(parts), StandardCharsets.ISO_8859_1));
  }

  static String form(String... parts) {
    var body = new StringBuilder();
    for (String part : parts) {
      body.append("--XX\r\n").append(part).append("\r\n");
    }
    return body.append("--XX--\r\n").toString();
  }

  static String filePart(String fileName, String content) {
    return "Content-Disposition: form-data; name=\"file\"; filename=\""
        + fileName
        + "\"\r\nContent-Type: application/gzip\r\n\r\n"
        + content;
  }

  static String configPart(String json) {
    return "Content-Disposition: form-data; name=\"config\"\r\n\r\n" + json;
  }

  /** A plain socket to the server, for what no decent client sends. */
  Socket socket() throws IOException {
    var socket = new Socket(InetAddress.getLoopbackAddress(), server.url().getPort());
    socket.setSoTimeout(20_000);
    return socket;
  }

  /** Sends these bytes on a connection of their own and reads all that comes until it ends. */
  String raw(String request) throws IOException {
    try (Socket socket = socket()) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      socket.getOutputStream().flush();
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }

  static JsonNode json(HttpResponse<String> response) {
    return MAPPER.readTree(response.body());
  }

  static String code(HttpResponse<String> response) {
    return json(response).get("code").asString();
  }

  /** What lies in the folder for uploads. */
  List<String> leftInUploads() throws IOException {
    try (Stream<Path> files = Files.list(uploads)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  @Override
  public void close() {
    client.close();
    server.close();
    try {
      for (String left : leftInUploads()) {
        Files.deleteIfExists(uploads.resolve(left));
      }
      Files.deleteIfExists(uploads);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
