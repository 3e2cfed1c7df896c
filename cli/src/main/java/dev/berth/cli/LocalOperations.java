package dev.berth.cli;

import dev.berth.api.AccessKeys;
import dev.berth.api.HostReport;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** What the command line can't do through REST; the distribution supplies it. */
public interface LocalOperations {
  /** Where to serve, and how plugins are hosted there. */
  record ServeOptions(String host, int port, Path data, Hosting hosting) {}

  /** A server that is ready. */
  interface Served extends AutoCloseable {
    /** Where it listens, e.g. {@code http://127.0.0.1:8000}. */
    String url();

    /** Blocks until it is stopped. */
    void await() throws InterruptedException;

    /** Stops it, however often it is called; returns when it has stopped. */
    @Override
    void close();
  }

  /**
   * Starts a server and returns once it is ready. The caller closes it, also when the process is
   * asked to end.
   *
   * @throws dev.berth.api.PluginException when it can't: {@code listen_failed} when the port is
   *     taken, {@code sandbox_unavailable} and others
   */
  Served serve(ServeOptions options);

  /** The keys kept under {@code data}, whether or not a server runs there. */
  <T> T withKeys(Path data, java.util.function.Function<AccessKeys, T> work);

  /**
   * Finds out what this host can give plugins; changes nothing and needs no server.
   *
   * @param data where the data is kept or would be
   * @param environment says where Python and the engine are
   */
  HostReport examine(Path data, Map<String, String> environment);

  /** The example plugins that came with this distribution, unpacked folders. */
  List<Path> examples();
}
