package dev.berth.host.egress;

/** Told what a plugin's connections do. Called on the proxy's threads; must be quick. */
public interface EgressListener {
  /**
   * A connection was refused.
   *
   * @param destination host and port as the plugin wrote them, escaped
   */
  void onDenied(String destination, String why);

  /** So many bytes came from the network, and went to it. */
  default void onMoved(long received, long sent) {}
}
