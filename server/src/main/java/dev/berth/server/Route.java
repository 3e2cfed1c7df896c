package dev.berth.server;

import java.util.List;

/**
 * One thing that can be asked of the server.
 *
 * @param method upper case
 * @param path with {@code {name}} for what varies, e.g. {@code /api/plugins/{id}}
 * @param body what its request carries
 * @param open whether it needs no key
 */
record Route(String method, String path, Body body, boolean open, RouteHandler handler) {
  /** What a request carries, which says how long it may be. */
  enum Body {
    NONE,
    JSON,
    UPLOAD
  }

  /** Names it among all routes. */
  String key() {
    return path.equals(ExecuteHandler.PATH) ? ExecuteHandler.PATH : method + path;
  }

  static List<String> segments(String path) {
    return List.of(path.split("/", -1));
  }
}
