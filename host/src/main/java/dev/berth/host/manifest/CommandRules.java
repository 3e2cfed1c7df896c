package dev.berth.host.manifest;

import dev.berth.api.Command;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What holds for chat commands: how they are spelled, which are taken. */
public final class CommandRules {
  /** Commands that are the chat's or the host's own, by {@link #key}; no plugin gets them. */
  public static final Set<String> RESERVED =
      Set.of(
          "/help",
          "/admin",
          "/plugin",
          "/plugins",
          "/berth",
          "/settings",
          "/config",
          "/login",
          "/logout",
          "/quit",
          "/me",
          "/msg",
          "/invite",
          "/join",
          "/leave",
          "/kick",
          "/ban");

  private static final Pattern FORM = Pattern.compile("/[a-z][a-z0-9_-]{0,31}");

  private CommandRules() {}

  /**
   * What two commands have in common that a person can't tell apart: {@code /Roll} is {@code
   * /roll}.
   */
  public static String key(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  /** What is wrong with the spelling of {@code name}; null when nothing is. */
  static @Nullable String problem(String name) {
    if (FORM.matcher(name).matches()) {
      return null;
    }
    String near = (name.startsWith("/") ? "" : "/") + key(name.strip());
    return "expected a slash, a lower-case letter and up to 31 letters, digits, - or _, got \""
        + Text.printable(name, 60)
        + "\""
        + (FORM.matcher(near).matches() ? "; did you mean \"" + near + "\"?" : "");
  }

  /**
   * Checks that a plugin can have the commands it wants.
   *
   * @param plugin its name, for the message
   * @param owners who has which command now, by {@link #key}, the plugin itself left out
   * @throws PluginException {@code command_conflict}, naming every command that is the host's own
   *     or another plugin's, and whose; {@code details().get("commands")} is the list of them
   */
  public static void checkFree(String plugin, List<Command> wanted, Map<String, String> owners) {
    List<String> taken = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (Command command : wanted) {
      String key = key(command.name());
      String owner = RESERVED.contains(key) ? "the chat itself" : owners.get(key);
      if (owner != null) {
        names.add(command.name());
        taken.add(command.name() + " (of " + owner + ")");
      }
    }
    if (!taken.isEmpty()) {
      throw new PluginException(
          ErrorCode.COMMAND_CONFLICT,
          "Plugin "
              + plugin
              + " wants commands that are taken: "
              + String.join(", ", taken)
              + ". Rename them in its plugin.yaml, or uninstall the plugin that has them.",
          Map.of("commands", names),
          null);
    }
  }
}
