package dev.berth.sandbox;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Unix sockets in folders whose paths may be long. */
public final class UnixSockets {
  // sun_path holds 108 bytes with the final zero (unix(7)).
  private static final int LONGEST_PATH = 107;

  private UnixSockets() {}

  /**
   * Binds {@code server} to {@code name} in {@code folder}, however long its path is.
   *
   * @param backlog connections that may wait to be accepted
   */
  public static void bind(ServerSocketChannel server, Path folder, String name, int backlog)
      throws IOException {
    Path path = folder.resolve(name);
    if (path.toString().getBytes(StandardCharsets.UTF_8).length <= LONGEST_PATH) {
      server.bind(UnixDomainSocketAddress.of(path), backlog);
      return;
    }
    // A short way to the same folder, for as long as it takes to bind.
    Path detour = Files.createTempDirectory("berth");
    Path link = detour.resolve("d");
    try {
      Files.createSymbolicLink(link, folder.toAbsolutePath());
      server.bind(UnixDomainSocketAddress.of(link.resolve(name)), backlog);
    } finally {
      Files.deleteIfExists(link);
      Files.delete(detour);
    }
  }
}
