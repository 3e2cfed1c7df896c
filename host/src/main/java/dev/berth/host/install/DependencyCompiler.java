package dev.berth.host.install;

import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Compiles modules to bytecode once, for the folder is read-only afterwards and each worker would
 * have to do it again. Compiling runs nothing of what is compiled.
 */
final class DependencyCompiler {
  /**
   * Unchecked, because neither source nor bytecode can change. Paths in tracebacks are those of the
   * sandbox. A module that takes too much memory or time to compile is left uncompiled.
   */
  private static final String COMPILE =
      """
      import compileall, py_compile, resource, sys
      resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
      resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
      root = sys.argv[1]
      compileall.compile_dir(
          root, maxlevels=32, quiet=2, force=True, stripdir=root, prependdir="/site",
          invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
      """;

  private DependencyCompiler() {}

  static void compile(Path root, DependencyWork work) throws IOException {
    if (!work.python().compilesFor(work.target())) {
      return; // Python would not look at it.
    }
    work.tell("compiling");
    try {
      work.run(
          List.of(
              work.python().executable().toString(), "-I", "-S", "-c", COMPILE, root.toString()),
          Map.of("LC_ALL", "C.UTF-8"),
          false);
    } catch (PluginException e) {
      // Without bytecode it works as well, only slower; but a cancelled install ends here.
      if (Thread.currentThread().isInterrupted()) {
        throw e;
      }
    }
  }
}
