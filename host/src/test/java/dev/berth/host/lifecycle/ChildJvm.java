package dev.berth.host.lifecycle;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs a class of the tests in a JVM of its own, which the test may kill or stop.
 *
 * @param classPath as {@code java -cp} takes it
 * @param more further options of the JVM
 */
record ChildJvm(String classPath, List<String> more) {
  static Process start(Class<?> main, String... args) throws IOException {
    return new ChildJvm(ownClassPath(), List.of()).run(main, args);
  }

  /**
   * One for a test that starts hundreds: what the class loads is kept in a cache (JEP 514), made by
   * a run of it, which must end by itself once it is sent a line.
   *
   * @param folder for the cache; must outlive this
   */
  static ChildJvm practised(Path folder, Class<?> main, String... args)
      throws IOException, InterruptedException {
    List<String> jars = new ArrayList<>();
    for (String part : ownClassPath().split(File.pathSeparator, -1)) {
      if (part.isEmpty()) {
        continue; // Surefire's ends with a separator
      }
      jars.add(Files.isDirectory(Path.of(part)) ? packed(folder, part, jars.size()) : part);
    }
    String classPath = String.join(File.pathSeparator, jars); // a cache is of jars only
    Path cache = folder.resolve("classes.aot");
    var practice = new ChildJvm(classPath, List.of("-XX:AOTCacheOutput=" + cache));
    Process process = practice.run(main, args);
    process.outputWriter().append('\n').flush();
    process.getInputStream().transferTo(OutputStream.nullOutputStream());
    process.waitFor();
    if (!Files.exists(cache)) {
      throw new AssertionError("no cache was made");
    }
    return new ChildJvm(classPath, List.of("-XX:AOTCache=" + cache));
  }

  private static String packed(Path folder, String classes, int number) {
    String jar = folder.resolve("classes" + number + ".jar").toString();
    ToolProvider tool = ToolProvider.findFirst("jar").orElseThrow();
    if (tool.run(System.out, System.err, "-cf", jar, "-C", classes, ".") != 0) {
      throw new AssertionError(classes + " can't be packed");
    }
    return jar;
  }

  private static String ownClassPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  Process run(Class<?> main, String... args) throws IOException {
    List<String> command =
        Stream.of(
                Stream.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()),
                Stream.of(
                    "--enable-native-access=ALL-UNNAMED",
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-Xmx128m"),
                more.stream(),
                Stream.of("-cp", classPath, main.getName()),
                Stream.of(args))
            .flatMap(words -> words)
            .collect(Collectors.toList());
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }
}
