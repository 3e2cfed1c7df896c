/** Implements the plugin service: packages, registry, lifecycle. */
module dev.berth.host {
  requires static transitive org.jspecify;
  requires transitive dev.berth.api;
  requires transitive dev.berth.sandbox;
  requires transitive dev.berth.channel;
  requires org.slf4j;
  requires tools.jackson.databind;
  requires org.snakeyaml.engine;
  requires org.semver4j;
  requires java.sql;
  requires org.jdbi.v3.core;
  requires flyway.core;
  requires com.zaxxer.hikari;
  requires org.xerial.sqlitejdbc;
  requires com.google.crypto.tink;

  exports dev.berth.host;
}
