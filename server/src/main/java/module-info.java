/** REST in front of a plugin service. */
module dev.berth.server {
  requires static transitive org.jspecify;
  requires transitive dev.berth.api;
  requires io.javalin;
  requires transitive org.eclipse.jetty.server;
  requires tools.jackson.databind;
  requires org.slf4j;
  requires java.management;
  requires jdk.management;
  requires micrometer.core;
  requires micrometer.registry.prometheus;
  requires io.prometheus.metrics.model;

  exports dev.berth.server;
}
