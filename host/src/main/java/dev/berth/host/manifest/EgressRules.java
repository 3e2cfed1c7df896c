package dev.berth.host.manifest;

import dev.berth.api.PluginException;
import dev.berth.api.Text;
import dev.berth.host.egress.Destination;
import org.jspecify.annotations.Nullable;

/** {@code egress}: the places a plugin wants to connect to. */
final class EgressRules {
  private EgressRules() {}

  /** What is wrong with an item; null when nothing is. */
  static @Nullable String problem(String item) {
    String shown = Text.printable(item, 60);
    if (item.contains("://")) {
      String rest = item.substring(item.indexOf("://") + 3);
      int end = rest.indexOf('/');
      String place = end < 0 ? rest : rest.substring(0, end);
      return "expected a place, got the address \""
          + shown
          + "\"; write \""
          + Text.printable(place, 60)
          + "\"";
    }
    if (item.contains("/")) {
      return "expected a place, got \""
          + shown
          + "\"; egress knows hosts and ports, not paths: write \""
          + Text.printable(item.substring(0, item.indexOf('/')), 60)
          + "\"";
    }
    try {
      var _ = Destination.parse(item);
      return null;
    } catch (PluginException _) {
      return "expected HOST, HOST:PORT, *.DOMAIN or *.DOMAIN:PORT, got \"" + shown + "\"";
    }
  }
}
