package dev.berth.server;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Every route there is. */
final class RouteTable {
  private final List<Route> routes;
  private final List<List<String>> segments;
  // Found without taking the path apart, because it is asked for more than all others together.
  private final @Nullable Route execute;

  RouteTable(List<Route> routes) {
    this.routes = List.copyOf(routes);
    this.execute =
        routes.stream()
            .filter(route -> route.path().equals(ExecuteHandler.PATH))
            .findFirst()
            .orElse(null);
    this.segments = routes.stream().map(route -> Route.segments(route.path())).toList();
  }

  List<Route> routes() {
    return routes;
  }

  /**
   * The route for a request; null when there is none.
   *
   * @param method HEAD finds the route of GET
   */
  @Nullable Route find(String method, String path) {
    if (execute != null && method.equals("POST") && ExecuteHandler.isPath(path)) {
      return execute;
    }
    String wanted = method.equals("HEAD") ? "GET" : method;
    List<String> asked = Route.segments(path);
    for (int i = 0; i < routes.size(); i++) {
      if (routes.get(i).method().equals(wanted) && matches(segments.get(i), asked)) {
        return routes.get(i);
      }
    }
    return null;
  }

  /** The methods {@code path} can be asked with; empty when it is no path of ours. */
  List<String> allowed(String path) {
    var methods = new TreeSet<String>();
    List<String> asked = Route.segments(path);
    for (int i = 0; i < routes.size(); i++) {
      if (matches(segments.get(i), asked)) {
        methods.add(routes.get(i).method());
      }
    }
    if (methods.isEmpty()) {
      return List.of();
    }
    if (methods.contains("GET")) {
      methods.add("HEAD");
    }
    methods.add("OPTIONS");
    return new ArrayList<>(methods);
  }

  private static boolean matches(List<String> template, List<String> asked) {
    if (template.size() != asked.size()) {
      return false;
    }
    for (int i = 0; i < template.size(); i++) {
      String segment = template.get(i);
      boolean same =
          segment.startsWith("{") ? !asked.get(i).isEmpty() : segment.equals(asked.get(i));
      if (!same) {
        return false;
      }
    }
    return true;
  }
}
