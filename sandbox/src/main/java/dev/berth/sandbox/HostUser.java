package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Users of this machine by their numbers, which is what the kernel goes by; a name proves nothing.
 */
final class HostUser {
  private static final Logger log = LoggerFactory.getLogger(HostUser.class);

  private HostUser() {}

  /** Whether this program may do what only root can, whatever that user is called here. */
  static boolean isRoot() {
    try {
      return effective(Files.readString(Path.of("/proc/self/status")), "Uid:") == 0;
    } catch (IOException e) {
      log.debug("This program's user is not known: {}", e.toString());
      return false;
    }
  }

  /**
   * The effective id in a line of proc(5)'s status.
   *
   * @param line {@code Uid:} or {@code Gid:}
   */
  static int effective(String status, String line) {
    return status
        .lines()
        .filter(found -> found.startsWith(line))
        .map(found -> Integer.parseInt(found.split("\t", -1)[2]))
        .findFirst()
        .orElseThrow();
  }

  /**
   * The user with this uid, who need not be in any list of users.
   *
   * @throws PluginException {@code sandbox_unavailable}
   */
  static UserPrincipal principal(int uid) {
    try {
      return FileSystems.getDefault()
          .getUserPrincipalLookupService()
          .lookupPrincipalByName(Integer.toString(uid));
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE,
          "No worker can have the uid " + uid + " here: " + e.getMessage(),
          e);
    }
  }
}
