package dev.berth.host.egress;

import java.util.Optional;

/** Told what a plugin's connections do. Called on the proxy's threads; must be quick. */
public interface EgressListener {
  /**
   * A connection was refused.
   *
   * @param destination host and port as the plugin wrote them, escaped
   */
  void onDenied(String destination, String why);

  /**
   * So many bytes are about to come from the network, and to go to it.
   *
   * @return whether they may; if not, the connection ends
   */
  default boolean mayMove(long received, long sent) {
    return true;
  }

  /** Why nothing more may pass at present; empty when something may. */
  default Optional<String> spent() {
    return Optional.empty();
  }
}
