/** The command line: a REST client. */
module dev.berth.cli {
  requires static transitive org.jspecify;
  requires transitive dev.berth.api;
  requires info.picocli;
  requires java.net.http;
  requires org.apache.commons.compress;
  requires tools.jackson.databind;

  exports dev.berth.cli;

  opens dev.berth.cli to
      info.picocli;
}
