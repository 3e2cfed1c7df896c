package dev.berth.host.lifecycle;

import dev.berth.api.InstallProgress;
import dev.berth.api.InstallSource;
import dev.berth.api.Plugin;
import dev.berth.api.PluginState;
import dev.berth.api.StatusFilter;
import dev.berth.api.TenantId;
import dev.berth.host.HostSettings;
import dev.berth.host.store.JournalObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A host of its own process that installs, updates, enables, disables and uninstalls at random,
 * says on its output what it is doing and what it has done, and dies: when its parent kills it, or
 * by itself at a point of the journal.
 */
final class CrashChild {
  static final List<String> NAMES = List.of("ant", "bee", "cow");
  static final int VERSIONS = 3;

  private CrashChild() {}

  /**
   * Begins when it is sent a byte.
   *
   * @param args the data folder, the archives' folder, the interpreter, a seed, and where to die:
   *     {@code kind/point}, or {@code -}
   */
  public static void main(String[] args) throws IOException {
    Path data = Path.of(args[0]);
    Path archives = Path.of(args[1]);
    Path python = Path.of(args[2]);
    var random = new Random(Long.parseLong(args[3]));
    String grave = args[4];
    var workers = new FakeWorkers();
    JournalObserver dies =
        (kind, point) -> {
          if (grave.equals(kind + "/" + point)) {
            Runtime.getRuntime().halt(137);
          }
        };
    if (System.in.read() < 0) {
      return; // Its parent is gone.
    }
    Lifecycle host =
        Lifecycle.open(
            HostSettings.defaults(data, python),
            workers,
            null,
            new Lifecycle.Parts(HostFixture.BRISK, workers, dies, System.getenv()));
    var plugins = host.service(TenantId.DEFAULT);
    while (true) {
      Map<String, Plugin> there =
          plugins.list(StatusFilter.ALL).stream()
              .collect(Collectors.toMap(p -> p.manifest().name(), Function.identity()));
      String name = NAMES.get(random.nextInt(NAMES.size()));
      String version = (random.nextInt(VERSIONS) + 1) + ".0.0";
      var archive = new InstallSource.Archive(archives.resolve(name + "-" + version + ".zip"));
      Plugin plugin = there.get(name);
      if (plugin == null) {
        say("doing install " + name + " " + version);
        plugins.install(archive);
        say("done " + name + " " + version);
        continue;
      }
      switch (random.nextInt(4)) {
        case 0 -> {
          say("doing uninstall " + name + " -");
          plugins.uninstall(plugin.id());
          say("done " + name + " -");
        }
        case 1 -> {
          if (plugin.state() instanceof PluginState.Enabled) {
            plugins.disable(plugin.id());
          } else {
            plugins.enable(plugin.id());
          }
        }
        default -> {
          say("doing update " + name + " " + version);
          plugins.update(plugin.id(), archive, InstallProgress.NONE);
          say("done " + name + " " + version);
        }
      }
    }
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
