package dev.berth.host.lifecycle;

import dev.berth.api.Command;
import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.InstallSource;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.TenantId;
import dev.berth.host.install.StoredPackage;
import dev.berth.host.manifest.CommandRules;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What install and update have in common: from an archive to a package that may be run here. */
final class Preparation {
  private final Rooms rooms;

  Preparation(Rooms rooms) {
    this.rooms = rooms;
  }

  StoredPackage unpack(InstallSource source, InstallProgress progress) {
    StoredPackage pack =
        switch (source) {
          case InstallSource.Archive archive -> {
            progress.onStep("read", "reading " + archive.fileName());
            yield rooms.catalog().packages().add(archive);
          }
          case InstallSource.Url _ -> throw notYet("an address");
          case InstallSource.Marketplace _ -> throw notYet("a marketplace");
        };
    progress.onStep(
        "validate", pack.manifest().name() + " " + pack.manifest().version() + " is well-formed");
    var _ = rooms.interpreters().of(pack, line -> progress.onStep("image", line));
    return pack;
  }

  @Nullable String dependencies(StoredPackage pack, InstallProgress progress) {
    if (!pack.requirements().isEmpty()) {
      progress.onStep("dependencies", pack.requirements().size() + " requirements");
    }
    return rooms
        .dependencies()
        .prepare(pack.requirements(), rooms.interpreters().of(pack, _ -> {}), progress);
  }

  /**
   * @param self the plugin that wants the commands; null for one that is being installed
   * @throws PluginException {@code command_conflict}
   */
  void checkCommands(TenantId tenant, StoredPackage pack, @Nullable PluginId self) {
    if (pack.manifest().commands().isEmpty()) {
      return;
    }
    Map<String, String> owners = new HashMap<>();
    for (Supervisor plugin : rooms.plugins().of(tenant)) {
      if (!plugin.id().equals(self)) {
        for (Command command : commands(plugin)) {
          owners.put(CommandRules.key(command.name()), plugin.label());
        }
      }
    }
    CommandRules.checkFree(pack.manifest().name(), pack.manifest().commands(), owners);
  }

  private Iterable<Command> commands(Supervisor plugin) {
    try {
      return rooms.catalog().get(plugin.row().packageDigest()).manifest().commands();
    } catch (PluginException _) {
      return java.util.List.of(); // A damaged package can't run, so it has no commands.
    }
  }

  private static PluginException notYet(String what) {
    return new PluginException(
        ErrorCode.NOT_IMPLEMENTED,
        "Installing from " + what + " is not possible yet. Download the archive and install that.");
  }
}
