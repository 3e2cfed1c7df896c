/** What an embedding program sees of Berth: the service, its records and its one exception. */
module dev.berth.api {
  requires static transitive org.jspecify;

  exports dev.berth.api;
}
