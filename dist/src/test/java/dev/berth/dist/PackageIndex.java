package dev.berth.dist;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** A package index on loopback (PEP 503) of wheels that a test makes. */
final class PackageIndex implements AutoCloseable {
  /**
   * One file of it.
   *
   * @param requires what its Requires-Python says
   */
  private record Wheel(String requires, byte[] content) {}

  private final Map<String, Wheel> wheels = new ConcurrentSkipListMap<>();
  private final HttpServer server;

  PackageIndex() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.createContext("/", this::answer);
    server.start();
  }

  /**
   * The environment of a host whose uv, or pip, has nothing but this. uv is much quicker, and the
   * tests of the host leave one behind.
   */
  Map<String, String> environment() {
    Path uv = Path.of("../host/target/test-tools/uv/bin").toAbsolutePath().normalize();
    String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/simple/";
    return Map.of(
        "PATH",
        uv + ":" + System.getenv("PATH"),
        "PIP_CONFIG_FILE",
        "/dev/null",
        "PIP_INDEX_URL",
        url,
        "PIP_FIND_LINKS",
        "",
        "UV_NO_CONFIG",
        "1",
        "UV_DEFAULT_INDEX",
        url);
  }

  /**
   * A wheel of one module that has {@code which} as its {@code WHICH}.
   *
   * @param tag interpreter, ABI and platform, as in a wheel's name
   * @param requires of Python, e.g. {@code >=3.12}
   */
  void wheel(String module, String version, String tag, String requires, String which) {
    String info = module + "-" + version + ".dist-info/";
    Map<String, String> files = new LinkedHashMap<>();
    files.put(module + ".py", "WHICH = '" + which + "'\n");
    files.put(
        info + "METADATA",
        "Metadata-Version: 2.1\nName: %s\nVersion: %s\nRequires-Python: %s\n"
            .formatted(module, version, requires));
    files.put(
        info + "WHEEL",
        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: " + tag + "\n");
    Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
    files.put(
        info + "RECORD",
        files.entrySet().stream()
            .map(file ->
                file.getKey()
                    + ",sha256="
                    + base64.encodeToString(sha256(bytes(file.getValue())))
                    + ","
                    + file.getValue().length()
                    + "\n")
            .collect(Collectors.joining("", "", info + "RECORD,,\n")));
    wheels.put(module + "-" + version + "-" + tag + ".whl", new Wheel(requires, zip(files)));
  }

  private static byte[] zip(Map<String, String> files) {
    var out = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(out)) {
      for (var file : files.entrySet()) {
        zip.putNextEntry(new ZipEntry(file.getKey()));
        zip.write(bytes(file.getValue()));
        zip.closeEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    String name = path.replaceFirst(".*/(?=[^/])", "").replace("/", "");
    Wheel wheel = wheels.get(name);
    byte[] body = wheel == null ? bytes(page(name.replace('-', '_'))) : wheel.content();
    boolean html = path.startsWith("/simple/");
    exchange
        .getResponseHeaders()
        .set("Content-Type", html ? "text/html" : "application/octet-stream");
    boolean head = exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(html || wheel != null ? 200 : 404, head ? -1 : body.length);
    if (!head) {
      exchange.getResponseBody().write(body);
    }
    exchange.close();
  }

  private String page(String module) {
    return wheels.entrySet().stream()
        .filter(wheel -> wheel.getKey().startsWith(module + "-"))
        .map(wheel ->
            "<a href=\"/files/%s#sha256=%s\" data-requires-python=\"%s\">%1$s</a>"
                .formatted(
                    wheel.getKey(),
                    HexFormat.of().formatHex(sha256(wheel.getValue().content())),
                    wheel.getValue().requires().replace(">", "&gt;").replace("<", "&lt;")))
        .collect(Collectors.joining("\n", "<!DOCTYPE html><html><body>", "</body></html>"));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] sha256(byte[] content) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(content);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
