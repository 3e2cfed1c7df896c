package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.host.install.StoredPackage;
import dev.berth.host.manifest.PythonVersions;
import dev.berth.sandbox.PythonInterpreter;
import dev.berth.sandbox.Sandbox;
import java.util.function.Consumer;

/** Which Python a package's workers run on: this machine's, or one in an image. */
final class Interpreters {
  private final Sandbox sandbox;
  private final PythonInterpreter own;

  Interpreters(Sandbox sandbox, PythonInterpreter own) {
    this.sandbox = sandbox;
    this.own = own;
  }

  /**
   * Whether no image has to be fetched or built for it.
   *
   * @throws PluginException {@code sandbox_unavailable}
   */
  boolean isAtHand(StoredPackage pack) {
    return sandbox.hasImage(pack.manifest().dockerImage(), pack.directory());
  }

  /**
   * @param progress told now and then how far an image is that has to be fetched or built, one line
   * @throws PluginException {@code python_version_unsupported} when the package doesn't run on it,
   *     and what {@link Sandbox#python} throws
   */
  PythonInterpreter of(StoredPackage pack, Consumer<String> progress) {
    PythonInterpreter inside =
        sandbox.python(pack.manifest().dockerImage(), pack.directory(), progress);
    PythonInterpreter python = inside == null ? own : inside;
    String wanted = pack.manifest().pythonRequires();
    if (!PythonVersions.satisfies(wanted, python.version())) {
      throw new PluginException(
          ErrorCode.PYTHON_VERSION_UNSUPPORTED,
          pack.manifest().name()
              + " needs Python "
              + wanted
              + ", and this host runs plugins on "
              + python.version()
              + (inside == null
                  ? ". Put such a Python first on the host's PATH and start it again"
                  : ". Serve with a --docker-image that has such a Python")
              + ", or ask the author for a version that runs on yours.");
    }
    return python;
  }
}
