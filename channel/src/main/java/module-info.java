/** The typed conversation with one worker over one socket. */
module dev.berth.channel {
  requires static transitive org.jspecify;
  requires transitive dev.berth.api;
  requires org.slf4j;

  exports dev.berth.channel;
}
