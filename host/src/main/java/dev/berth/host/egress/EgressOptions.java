package dev.berth.host.egress;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.util.List;

/** What the operator says of the network: {@code --egress-allow} and {@code --egress-only}. */
public final class EgressOptions {
  private EgressOptions() {}

  /**
   * Exceptions to the rule of public addresses. Each opens one door: a port must be said, and no
   * star.
   *
   * @throws PluginException {@code bad_request}, naming the option
   */
  public static List<Destination> allow(List<String> places) {
    return places.stream().map(EgressOptions::exception).toList();
  }

  /**
   * The only places that plugins may reach.
   *
   * @throws PluginException {@code bad_request}, naming the option
   */
  public static List<Destination> only(List<String> places) {
    return places.stream()
        .map(place -> parse("--egress-only", place, "write HOST, HOST:PORT or *.DOMAIN[:PORT]"))
        .toList();
  }

  private static Destination exception(String place) {
    String remedy = "name one host and one port, such as 192.168.1.20:8080";
    Destination parsed = parse("--egress-allow", place, remedy);
    if (parsed.port() == 0 || parsed.anySubdomain()) {
      throw bad("--egress-allow", place, "is more than one place", remedy);
    }
    return parsed;
  }

  private static Destination parse(String option, String place, String remedy) {
    try {
      return Destination.parse(place);
    } catch (PluginException _) {
      throw bad(option, place, "is not a place", remedy);
    }
  }

  private static PluginException bad(String option, String place, String why, String remedy) {
    return new PluginException(
        ErrorCode.BAD_REQUEST,
        option + ": '" + Text.printable(place, 100) + "' " + why + ": " + remedy + ".");
  }
}
