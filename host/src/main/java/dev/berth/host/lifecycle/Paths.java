package dev.berth.host.lifecycle;

import dev.berth.api.PluginId;
import java.nio.file.Path;

/** Where the lifecycle keeps what is its own, below the data folder. */
record Paths(Path data) {
  /** Plugins' own folders, by id. */
  Path volumes() {
    return data.resolve("volumes");
  }

  Path volume(PluginId id) {
    return volumes().resolve(id.value());
  }

  /** Sockets of the egress proxies. */
  Path egress() {
    return data.resolve("run/egress");
  }

  Path logs() {
    return data.resolve("logs");
  }

  Path log(PluginId id) {
    return logs().resolve(id.value() + ".ndjson");
  }

  Path errors(PluginId id) {
    return logs().resolve(id.value() + ".errors");
  }

  /** What is being deleted. */
  Path trash() {
    return data.resolve("trash");
  }
}
