package dev.berth.server;

/**
 * How to listen.
 *
 * @param host the address to bind
 * @param port 0 for any free one
 * @param maxUploadBytes largest archive taken
 * @param maxBodyBytes largest JSON body taken
 */
public record ServerSettings(String host, int port, long maxUploadBytes, int maxBodyBytes) {
  public static final ServerSettings DEFAULT =
      new ServerSettings("127.0.0.1", 8000, 50L << 20, 1 << 20);
}
