package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.InstallSource;
import dev.berth.api.Plugin;
import dev.berth.api.PluginState;
import dev.berth.api.StatusFilter;
import dev.berth.host.store.JournalObserver;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * CRA-01, CRA-02, CRA-03: a host that is killed in an install, update or uninstall. Whatever the
 * moment, the next host finds each plugin absent or whole, in the old version or the new one, and
 * nothing on disk that no plugin needs. How many random moments: {@code -Dberth.crashes=120}.
 */
class CrashTest {
  private static final int CRASHES = Integer.getInteger("berth.crashes", 12);

  @TempDir static Path shared;
  private static ChildJvm jvm;

  @TempDir Path folder;
  private Path archives;

  /** What the child said last, by name: a version, or - for none. */
  private final Map<String, String> acknowledged = new HashMap<>();

  private record UnderWay(String kind, String name, String version) {}

  @BeforeAll
  static void practise() throws Exception {
    String data = shared.resolve("data").toString();
    String archives = pack(Files.createDirectory(shared.resolve("archives"))).toString();
    String python = HostFixture.python().toString();
    jvm =
        ChildJvm.practised(
            shared, CrashChild.class, data, archives, python, "1", "update/finished");
  }

  private static Path pack(Path archives) throws IOException {
    for (String name : CrashChild.NAMES) {
      for (int v = 1; v <= CrashChild.VERSIONS; v++) {
        var source = (InstallSource.Archive) Archives.echo(name, v + ".0.0").packed(archives);
        Files.move(source.path(), archives.resolve(name + "-" + v + ".0.0.zip"));
      }
    }
    return archives;
  }

  @BeforeEach
  void begin() throws IOException {
    archives = pack(Files.createDirectory(folder.resolve("archives")));
    CrashChild.NAMES.forEach(name -> acknowledged.put(name, "-"));
  }

  /** One that has started and waits for {@link #begin(Process)}. */
  private Process child(long seed, String grave) throws IOException {
    return jvm.run(
        CrashChild.class,
        folder.resolve("data").toString(),
        archives.toString(),
        HostFixture.python().toString(),
        Long.toString(seed),
        grave);
  }

  private static void begin(Process child) throws IOException {
    child.outputWriter().append('\n').flush();
  }

  /** Takes in what the child says until it is dead; gives what it was doing. */
  private UnderWay listen(String first, BufferedReader said) throws IOException {
    UnderWay doing = null;
    for (String line = first; line != null; line = said.readLine()) {
      String[] words = line.split(" ", -1);
      if (words[0].equals("doing")) {
        doing = new UnderWay(words[1], words[2], words[3]);
      } else if (words[0].equals("done")) {
        acknowledged.put(words[1], words[2]);
        doing = null;
      }
    }
    return doing;
  }

  /** Opens a host on what the child left and compares. Gives what is there, by name. */
  private Map<String, String> recover(UnderWay doing) {
    var workers = new FakeWorkers();
    workers.script =
        worker -> {
          worker.auto = "\"here\"";
          worker.initialized.complete(FakeWorkers.HELLO);
        };
    var parts =
        new Lifecycle.Parts(HostFixture.BRISK, workers, JournalObserver.NONE, System.getenv());
    var there = new HashMap<String, String>();
    CrashChild.NAMES.forEach(name -> there.put(name, "-"));
    try (var host = new HostFixture(folder.resolve("data"), workers, parts)) {
      host.assertConsistent();
      for (Plugin plugin : host.plugins.list(StatusFilter.ALL)) {
        there.put(plugin.manifest().name(), plugin.manifest().version().text());
        if (plugin.state() instanceof PluginState.Enabled) {
          assertThat(host.result(plugin.id(), "{}")).isEqualTo("\"here\"");
        } else {
          assertThat(workers.all).noneMatch(w -> w.spec.plugin().equals(plugin.id()));
        }
      }
    }
    for (String name : CrashChild.NAMES) {
      if (doing != null && doing.name().equals(name)) {
        assertThat(there.get(name)).isIn(acknowledged.get(name), doing.version());
      } else {
        assertThat(there).containsEntry(name, acknowledged.get(name));
      }
    }
    return there;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "install/begin", "install/stored", "install/finish", "install/finished",
        "update/begin", "update/stored", "update/finish", "update/finished",
        "uninstall/begin", "uninstall/removed", "uninstall/finish", "uninstall/finished"
      })
  void CRA_01_02_03_a_host_that_dies_at_a_point_of_the_journal(String grave) throws Exception {
    Process child = child(grave.hashCode(), grave);
    begin(child);
    UnderWay doing;
    try (BufferedReader said = child.inputReader()) {
      doing = listen(said.readLine(), said);
    }
    assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(child.exitValue()).isEqualTo(137);
    assertThat(doing.kind()).isEqualTo(grave.substring(0, grave.indexOf('/')));
    String before = acknowledged.get(doing.name());
    Map<String, String> there = recover(doing);
    boolean took = grave.endsWith("/finished") || grave.startsWith("uninstall/");
    assertThat(there).containsEntry(doing.name(), took ? doing.version() : before);
  }

  @Test
  void CRA_01_02_03_a_host_that_is_killed_at_any_moment() throws Exception {
    long seed = Long.getLong("berth.seed", System.nanoTime());
    var random = new Random(seed);
    Process next = child(random.nextLong(), "-");
    for (int i = 0; i < CRASHES; i++) {
      Process child = next;
      UnderWay doing;
      try (BufferedReader said = child.inputReader()) {
        begin(child);
        next = child(random.nextLong(), "-"); // Its JVM starts beside what this one does.
        String first = said.readLine();
        assertThat(first).as("seed %s", seed).isNotNull();
        // The moment is what the test is about, so it is a time and not an event.
        boolean _ = child.waitFor(random.nextInt(300), TimeUnit.MILLISECONDS);
        boolean _ = child.toHandle().destroyForcibly(); // keeps the pipe open, unlike Process
        doing = listen(first, said);
      }
      assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(child.exitValue()).as("seed %s", seed).isEqualTo(137);
      acknowledged.putAll(recover(doing));
    }
    next.destroyForcibly();
  }
}
