package dev.berth.host.manifest;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;

/**
 * One Python requirement by PEP 508, without the forms that name a place to download from.
 *
 * @param name the project, lower case, with single hyphens (PEP 503)
 * @param text as it was written, white space around it left out
 * @see <a href="https://peps.python.org/pep-0508/">PEP 508</a>
 */
@SuppressWarnings("DoNotCallSuggester")
public record Requirement(String name, String text) {
  /**
   * @throws IllegalArgumentException when {@code text} is no such requirement; the message says why
   */
  public static Requirement parse(String text) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Requirements can't be read yet.");
  }
}
