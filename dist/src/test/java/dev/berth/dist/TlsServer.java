package dev.berth.dist;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * A web server over TLS on this machine's loopback address, for plugins to call by the name {@code
 * localhost}. Its certificate, its own issuer, is made when it is started.
 */
final class TlsServer implements AutoCloseable {
  private static final String PASSWORD = "sesame-open";

  /** Bytes of the answer to {@code /stream}. */
  static final int STREAMED = 24 << 20;

  private final HttpsServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Path certificate;

  /** Keeps its key and its certificate in {@code folder}. */
  TlsServer(Path folder) {
    Path keys = folder.resolve("tls.p12");
    certificate = folder.resolve("tls.pem");
    // The keytool of the Java that runs the test; what else is on the path may be too old for it.
    Path keytool = Path.of(System.getProperty("java.home"), "bin", "keytool");
    Pack.run(
        folder,
        keytool.toString(),
        "-genkeypair",
        "-alias",
        "tls",
        "-keyalg",
        "EC",
        "-dname",
        "CN=localhost",
        "-ext",
        "SAN=dns:localhost,ip:127.0.0.1",
        // What Python from 3.13 on wants of an issuer.
        "-ext",
        "BC:critical=ca:true",
        "-ext",
        "KU:critical=digitalSignature,keyCertSign",
        "-validity",
        "2",
        "-keystore",
        keys.toString(),
        "-storetype",
        "PKCS12",
        "-storepass",
        PASSWORD);
    Pack.run(
        folder,
        keytool.toString(),
        "-exportcert",
        "-rfc",
        "-alias",
        "tls",
        "-keystore",
        keys.toString(),
        "-storepass",
        PASSWORD,
        "-file",
        certificate.toString());
    try {
      server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
      server.setHttpsConfigurator(new HttpsConfigurator(context(keys)));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
    server.createContext("/", TlsServer::answer);
    server.setExecutor(threads);
    server.start();
  }

  private static SSLContext context(Path keys) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(keys)) {
      store.load(in, PASSWORD.toCharArray());
    }
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(store, PASSWORD.toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    return context;
  }

  /** {@code localhost:PORT}. */
  String place() {
    return "localhost:" + server.getAddress().getPort();
  }

  /** The certificate, which clients are to trust, in PEM. */
  Path certificate() {
    return certificate;
  }

  private static void answer(HttpExchange exchange) throws IOException {
    exchange.getRequestBody().transferTo(OutputStream.nullOutputStream());
    String path = exchange.getRequestURI().getPath();
    if (path.equals("/away")) {
      exchange.getResponseHeaders().set("Location", "https://127.0.0.1:1/inside");
      exchange.sendResponseHeaders(302, -1);
      exchange.close();
      return;
    }
    byte[] piece = new byte[1 << 16];
    int left = path.equals("/stream") ? STREAMED : 5;
    exchange.sendResponseHeaders(200, 0); // in chunks
    try (OutputStream out = exchange.getResponseBody()) {
      while (left > 0) {
        int size = Math.min(left, piece.length);
        out.write(piece, 0, size);
        left -= size;
      }
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.close();
  }
}
