package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Path;

/** Deletes folders in which a stranger may have made links: they are deleted, never followed. */
public final class TreeRemover {
  private TreeRemover() {}

  /**
   * Deletes {@code tree} and all that is in it; nothing happens when it isn't there.
   *
   * @throws IOException when something in it can't be deleted
   */
  public static void remove(Path tree) throws IOException {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Folders can't be removed yet.");
  }
}
