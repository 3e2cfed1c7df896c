package dev.berth.host.install;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallSource;
import dev.berth.api.PluginException;
import dev.berth.api.ResourceLimits;
import dev.berth.api.Version;
import dev.berth.host.manifest.ManifestReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A store in a folder of its own, beside a sentinel tree that stands for the host's files: whatever
 * is done to the store, that tree must stay as it is.
 */
final class StoreFixture {
  static final String MANIFEST = "name: dice\nversion: 1.0.0\nclass: Dice\n";

  final Path dir;
  final Path sentinel;
  final Path packages;
  final PackageStore store;

  StoreFixture(Path dir) throws IOException {
    this(dir, ArchiveLimits.DEFAULT);
  }

  StoreFixture(Path dir, ArchiveLimits limits) throws IOException {
    this.dir = dir;
    sentinel = Files.createDirectories(dir.resolve("host"));
    Files.writeString(sentinel.resolve("shadow"), "root:secret");
    Files.createDirectories(sentinel.resolve("etc/cron.d"));
    Files.createSymbolicLink(sentinel.resolve("link"), Path.of("shadow"));
    packages = dir.resolve("data/packages");
    store =
        new PackageStore(
            dir.resolve("data"),
            limits,
            new ManifestReader(ResourceLimits.MAXIMUM, new Version("0.1.0")));
  }

  StoredPackage add(String fileName, byte[] archive) throws IOException {
    Path file = Files.write(dir.resolve("upload"), archive);
    try {
      return store.add(new InstallSource.Archive(file, fileName));
    } finally {
      Files.delete(file);
    }
  }

  /** Adds an archive that must be refused without a trace; gives the message. */
  String refused(ErrorCode code, String fileName, byte[] archive) throws IOException {
    Map<String, String> before = snapshot(sentinel);
    PluginException refused =
        catchThrowableOfType(PluginException.class, () -> add(fileName, archive));
    assertThat(refused).as("taken: %s", fileName).isNotNull();
    assertThat(refused.code()).as(refused.getMessage()).isEqualTo(code);
    assertThat(refused.getMessage())
        .matches(text -> text.chars().noneMatch(c -> c != '\n' && Character.isISOControl(c)));
    assertThat(snapshot(sentinel)).isEqualTo(before);
    assertNoTrace();
    return refused.getMessage();
  }

  void assertNoTrace() throws IOException {
    try (Stream<Path> left = Files.list(packages)) {
      assertThat(left).isEmpty();
    }
    try (Stream<Path> all = Files.list(dir)) {
      assertThat(all).containsExactlyInAnyOrder(dir.resolve("data"), sentinel);
    }
  }

  /** Path to mode, owner, time and content of everything below {@code root}, links as links. */
  static Map<String, String> snapshot(Path root) throws IOException {
    Map<String, String> found = new TreeMap<>();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path path : all.toList()) {
        var attributes =
            Files.readAttributes(path, "unix:mode,uid,lastModifiedTime", LinkOption.NOFOLLOW_LINKS);
        String content =
            Files.isSymbolicLink(path)
                ? Files.readSymbolicLink(path).toString()
                : Files.isRegularFile(path) ? Files.readString(path) : "";
        found.put(root.relativize(path).toString(), attributes + content);
      }
    }
    return found;
  }

  /** The paths of all files below {@code root}. */
  static java.util.List<String> files(Path root) throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      return all.filter(Files::isRegularFile)
          .map(path -> root.relativize(path).toString())
          .sorted()
          .toList();
    }
  }
}
