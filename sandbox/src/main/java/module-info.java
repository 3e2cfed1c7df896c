/**
 * Starts isolated processes: a {@code SandboxSpec} goes in, a running worker's socket comes out.
 */
module dev.berth.sandbox {
  requires static transitive org.jspecify;
  requires transitive dev.berth.api;
  requires jdk.net;
  requires org.eclipse.jetty.client;
  requires org.slf4j;
  requires tools.jackson.databind;

  exports dev.berth.sandbox;
}
