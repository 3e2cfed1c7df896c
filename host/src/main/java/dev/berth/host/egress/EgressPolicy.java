package dev.berth.host.egress;

import java.net.InetAddress;
import java.util.List;
import java.util.Optional;

/**
 * Where one plugin may connect to.
 *
 * @param plugin what its manifest asks for; empty means any host on ports 80 and 443
 * @param operator what the operator lets any plugin reach; empty means no bound of theirs
 * @param exceptions places the operator lets plugins reach though their addresses are not public
 */
public record EgressPolicy(
    List<Destination> plugin, List<Destination> operator, List<Destination> exceptions) {
  public EgressPolicy {
    plugin = List.copyOf(plugin);
    operator = List.copyOf(operator);
    exceptions = List.copyOf(exceptions);
  }

  /** Why a place is refused by name; empty when it may be looked up. */
  Optional<String> refusal(String host, int port) {
    boolean excepted = covered(exceptions, host, port);
    if (plugin.isEmpty()) {
      if (!excepted && port != 80 && port != 443) {
        return Optional.of(
            "port " + port + " is not 80 or 443 and plugin.yaml has no egress for it");
      }
    } else if (!covered(plugin, host, port)) {
      return Optional.of("plugin.yaml's egress does not list it");
    }
    if (!operator.isEmpty() && !excepted && !covered(operator, host, port)) {
      return Optional.of("the operator's egress list does not have it");
    }
    return Optional.empty();
  }

  /** Why an address that a name led to is refused; empty when it may be connected to. */
  Optional<String> refusal(String host, int port, InetAddress address) {
    if (covered(exceptions, host, port)) {
      return Optional.empty();
    }
    return AddressRules.refusal(address)
        .map(range -> "it leads to " + address.getHostAddress() + " (" + range + ")");
  }

  private static boolean covered(List<Destination> destinations, String host, int port) {
    return destinations.stream().anyMatch(d -> d.covers(host, port));
  }
}
