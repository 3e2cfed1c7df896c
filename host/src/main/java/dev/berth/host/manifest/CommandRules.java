package dev.berth.host.manifest;

import dev.berth.api.Command;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.List;
import java.util.Map;

/** What holds for chat commands: how they are spelled, which are taken. */
@SuppressWarnings("DoNotCallSuggester")
public final class CommandRules {
  private CommandRules() {}

  /**
   * What two commands have in common that a person can't tell apart: {@code /Roll} is {@code
   * /roll}.
   */
  public static String key(String name) {
    return name.toLowerCase(java.util.Locale.ROOT);
  }

  /**
   * Checks that a plugin can have the commands it wants.
   *
   * @param plugin its name, for the message
   * @param owners who has which command now, by {@link #key}, the plugin itself left out
   * @throws PluginException {@code command_conflict}, naming every command that is the host's own
   *     or another plugin's, and whose
   */
  public static void checkFree(String plugin, List<Command> wanted, Map<String, String> owners) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Commands can't be checked yet.");
  }
}
