/** The wiring: one readable boot, and {@code main}. */
module dev.berth.dist {
  requires static transitive org.jspecify;
  requires dev.berth.api;
  requires dev.berth.sandbox;
  requires dev.berth.channel;
  requires dev.berth.host;
  requires dev.berth.server;
  requires dev.berth.cli;
  requires org.eclipse.jetty.io;
  requires org.slf4j;
}
