package dev.berth.host.lifecycle;

/** What can be done to plugins. */
record Operations(
    Installer installer, Activation activation, Updater updater, Uninstaller uninstaller) {
  static Operations in(Rooms rooms, Removal removal) {
    var commands = new Object();
    var preparation = new Preparation(rooms);
    var activation = new Activation(rooms);
    return new Operations(
        new Installer(rooms, preparation, commands),
        activation,
        new Updater(rooms, preparation, activation, commands),
        new Uninstaller(rooms, activation, removal));
  }
}
