package dev.berth.host.manifest;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;

/**
 * {@code python_requires}: which Pythons will do.
 *
 * @see <a href="https://peps.python.org/pep-0440/#version-specifiers">PEP 440</a>
 */
@SuppressWarnings("DoNotCallSuggester")
public final class PythonVersions {
  private PythonVersions() {}

  /**
   * Whether {@code version} is one that {@code specifiers} asks for.
   *
   * @param specifiers e.g. {@code >=3.9,<3.14}; empty lets every version through
   * @param version as {@code platform.python_version()} gives it, e.g. {@code 3.11.7} or {@code
   *     3.14.0rc1}
   * @throws IllegalArgumentException when either is not of that form
   */
  public static boolean satisfies(String specifiers, String version) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Python versions can't be read yet.");
  }
}
