package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.eclipse.jetty.io.Transport;
import org.jspecify.annotations.Nullable;

/**
 * Where an engine is.
 *
 * @param host as DOCKER_HOST says it
 * @param transport how it is reached
 * @param base what every URL begins with
 */
record EngineAddress(String host, Transport transport, String base) {
  private static final String SOCKET = "unix:///var/run/docker.sock";
  private static final Pattern LOOPBACK =
      Pattern.compile("tcp://(127\\.\\d+\\.\\d+\\.\\d+|localhost|\\[::1])(:\\d+)?/?");

  /**
   * Reads one.
   *
   * @param host {@code unix:///path} or {@code tcp://host:port}; null or empty for the usual socket
   * @throws PluginException {@code sandbox_unavailable} when it is neither, or on another machine
   */
  static EngineAddress of(@Nullable String host) {
    String where = host == null || host.isBlank() ? SOCKET : host.strip();
    boolean unix = where.startsWith("unix://");
    if (!unix && !where.startsWith("tcp://")) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE,
          "DOCKER_HOST is '"
              + Text.printable(where, 100)
              + "'; Berth speaks to unix:///path/of/socket and tcp://host:port.");
    }
    if (!unix && !LOOPBACK.matcher(where).matches()) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE,
          "DOCKER_HOST is "
              + Text.printable(where, 100)
              + ", on another machine, whose containers can't see this machine's folders. Use an"
              + " engine on this machine (unix:///path/of/socket, tcp://127.0.0.1:port).");
    }
    return unix
        ? new EngineAddress(
            where, new Transport.TCPUnix(Path.of(where.substring(7))), "http://localhost")
        : new EngineAddress(where, Transport.TCP_IP, "http://" + where.substring(6));
  }

  PluginException unavailable(String why, @Nullable Throwable cause) {
    String remedy =
        why.contains("Permission denied") || why.contains("permission denied")
            ? "Run Berth as root, or put its user into the group that owns the socket."
            : "Start Docker (systemctl start docker) or set DOCKER_HOST, or serve with --sandbox process.";
    return new PluginException(
        ErrorCode.SANDBOX_UNAVAILABLE,
        "The Docker engine at " + host + " can't be used: " + why + ". " + remedy,
        cause);
  }
}
