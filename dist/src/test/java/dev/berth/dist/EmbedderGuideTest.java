package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java in docs/EMBEDDER.md compiles, against what an embedding program gets to see. */
final class EmbedderGuideTest {
  /** The packages that the modules of Berth export; a reader's IDE imports from them. */
  private static final String IMPORTS =
      Stream.of("api", "channel", "host", "sandbox")
          .map(room -> "import dev.berth." + room + ".*;\n")
          .collect(Collectors.joining("", "import java.nio.file.Path;\nimport java.util.*;\n", ""));

  /** What the guide's first block defines and later ones go on with. */
  private static final String KNOWN = "Path data, Path python";

  @TempDir Path classes;

  @Test
  void every_block_of_java_compiles() {
    List<String> blocks = Guide.read("EMBEDDER.md").code("java");
    List<String> errors =
        IntStream.range(0, blocks.size()).mapToObj(at -> compile(at, blocks.get(at))).toList();

    assertThat(blocks).hasSizeGreaterThanOrEqualTo(3);
    assertThat(errors).containsOnly("");
  }

  private String compile(int number, String block) {
    String name = "Block" + number;
    String known = block.startsWith("Path data") ? "" : KNOWN;
    String source =
        IMPORTS
            + "final class "
            + name
            + " {\n  static void run("
            + known
            + ") throws Exception {\n"
            + block
            + "  }\n}\n";
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    var found = new DiagnosticCollector<JavaFileObject>();
    var options =
        List.of(
            "-d", classes.toString(), "-cp", System.getProperty("java.class.path"), "-proc:none");
    var task =
        compiler.getTask(null, null, found, options, null, List.of(new Source(name, source)));
    boolean compiled = task.call();
    String errors =
        found.getDiagnostics().stream()
            .filter(one -> one.getKind() == Diagnostic.Kind.ERROR)
            .map(Object::toString)
            .collect(Collectors.joining("\n"));
    return compiled ? "" : "block " + (number + 1) + ": " + errors;
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String name, String text) {
      super(URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }
}
