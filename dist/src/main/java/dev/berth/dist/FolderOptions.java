package dev.berth.dist;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import dev.berth.sandbox.SharedFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What {@code serve --folder PLUGIN=DIR[:rw]} says. */
final class FolderOptions {
  private static final String WRITABLE = ":rw";

  private FolderOptions() {}

  /**
   * Plugin name to the folders it may see.
   *
   * @param data the host's own folder, which no plugin may see any of
   * @throws PluginException {@code bad_request}
   */
  static Map<String, List<SharedFolder>> parse(List<String> options, Path data) {
    Map<String, List<SharedFolder>> found = new LinkedHashMap<>();
    for (String option : options) {
      int equals = option.indexOf('=');
      String plugin = equals < 0 ? "" : option.substring(0, equals);
      if (!plugin.matches("[a-z][a-z0-9-]{1,62}")) {
        throw bad(option, "it wants PLUGIN=DIR or PLUGIN=DIR:rw, with the name of a plugin");
      }
      boolean writable = option.endsWith(WRITABLE);
      String folder =
          option.substring(equals + 1, option.length() - (writable ? WRITABLE.length() : 0));
      SharedFolder shared = folder(option, folder, writable, data);
      List<SharedFolder> others = found.computeIfAbsent(plugin, _ -> new ArrayList<>());
      if (others.stream().anyMatch(other -> other.name().equals(shared.name()))) {
        throw bad(
            option,
            "two folders of one plugin end in '" + shared.name() + "', which is how it sees them");
      }
      others.add(shared);
    }
    return found;
  }

  private static SharedFolder folder(String option, String folder, boolean writable, Path data) {
    try {
      // Resolved once, now: what a link leads to later is not what the operator meant.
      Path real = Path.of(folder).toRealPath();
      Path own = Files.createDirectories(data).toRealPath();
      if (!Path.of(folder).isAbsolute()) {
        throw bad(option, "the folder's path must be absolute");
      }
      if (!Files.isDirectory(real)) {
        throw bad(option, real + " is not a folder");
      }
      Path name = real.getFileName();
      if (name == null || !name.toString().matches("[A-Za-z0-9][A-Za-z0-9._ -]{0,99}")) {
        throw bad(
            option, "the folder's own name must be letters, digits, '.', '_', '-' and blanks");
      }
      if (own.startsWith(real) || real.startsWith(own)) {
        throw bad(option, "Berth's own data is in it, " + own);
      }
      return new SharedFolder(real, name.toString(), writable);
    } catch (InvalidPathException | IOException e) {
      throw bad(option, "there is no such folder (" + e.getMessage() + ")");
    }
  }

  private static PluginException bad(String option, String why) {
    return new PluginException(
        ErrorCode.BAD_REQUEST, "--folder " + Text.printable(option, 200) + ": " + why + ".");
  }
}
