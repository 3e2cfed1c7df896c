package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** On picocli's own jar, whose classes are Java 5's. */
final class OldClassesTest {
  private static final int JAVA_5 = 49;
  private static final int JAVA_6 = 50;

  @TempDir Path folder;

  @Test
  void all_have_stack_maps_then_and_do_the_same_and_nothing_is_done_twice() throws Exception {
    Path jar = folder.resolve("picocli.jar");
    Files.copy(
        Path.of(CommandLine.class.getProtectionDomain().getCodeSource().getLocation().toURI()),
        jar);
    List<String> names = names(jar);
    assertThat(versions(jar)).contains(JAVA_5);

    OldClasses.main(new String[] {jar.toString()});
    assertThat(versions(jar)).isNotEmpty().allMatch(version -> version >= JAVA_6);
    assertThat(names(jar)).isEqualTo(names);
    try (var loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
      Class<?> renewed = loader.loadClass("picocli.CommandLine");
      assertThat(renewed.getField("VERSION").get(null)).isEqualTo(CommandLine.VERSION);
      for (String name : names) { // each is verified, by its stack maps
        if (name.startsWith("picocli/CommandLine") && name.endsWith(".class")) {
          Class.forName(name.replace('/', '.').replace(".class", ""), true, loader);
        }
      }
    }

    Object before = key(jar);
    OldClasses.main(new String[] {jar.toString()});
    assertThat(key(jar)).isEqualTo(before);
    try (var left = Files.list(folder)) {
      assertThat(left).containsExactly(jar);
    }
  }

  private static Object key(Path jar) throws IOException {
    return Files.readAttributes(jar, BasicFileAttributes.class).fileKey();
  }

  private static List<String> names(Path jar) throws IOException {
    try (var file = new JarFile(jar.toFile())) {
      return file.stream().map(JarEntry::getName).sorted().toList();
    }
  }

  private static List<Integer> versions(Path jar) throws IOException {
    List<Integer> versions = new ArrayList<>();
    try (var file = new JarFile(jar.toFile())) {
      for (JarEntry entry : file.stream().toList()) {
        if (entry.getName().endsWith(".class") && !entry.getName().endsWith("module-info.class")) {
          try (var in = new DataInputStream(file.getInputStream(entry))) {
            in.skipNBytes(6);
            versions.add(in.readUnsignedShort());
          }
        }
      }
    }
    return versions;
  }
}
