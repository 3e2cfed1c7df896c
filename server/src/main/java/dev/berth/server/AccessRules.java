package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.jspecify.annotations.Nullable;

/**
 * Who may talk to the server at all, before it is asked what they want.
 *
 * <p>On a loopback address everybody on this machine may, without a key. A web page the user has
 * open is on this machine too, so two checks keep pages out: the {@code Host} must be a loopback
 * name, else a page whose own name was made to point here (DNS rebinding) would count as the same
 * origin; and an {@code Origin} must be this server's own. On any other address every request needs
 * a key, which no foreign page has, so any {@code Host} will do there: the names a server is
 * reached by are its operator's affair.
 */
final class AccessRules {
  private static final int MAX_HOST = 255 + 6;

  private final String host;
  private final boolean loopback;
  // Clients name the same host again and again; a race costs a check, no more.
  private volatile @Nullable String lastAllowed;

  private AccessRules(String host, boolean loopback) {
    this.host = host;
    this.loopback = loopback;
  }

  static AccessRules of(String host) {
    try {
      return new AccessRules(
          host.toLowerCase(Locale.ROOT), InetAddress.getByName(host).isLoopbackAddress());
    } catch (UnknownHostException e) {
      throw new PluginException(
          ErrorCode.LISTEN_FAILED,
          "There is no address '" + Text.printable(host, 80) + "' to listen on.",
          e);
    }
  }

  /**
   * Checks {@code Host}, {@code Origin} and {@code Sec-Fetch-Site}.
   *
   * @throws PluginException {@code host_not_allowed}, {@code origin_not_allowed}
   */
  void check(HttpFields headers, String method) {
    String authority = null;
    String origin = null;
    String site = null;
    String mode = null;
    // One walk instead of four look-ups: this runs for every call to a plugin.
    for (HttpField field : headers) {
      HttpHeader header = field.getHeader();
      if (header == HttpHeader.HOST) {
        if (authority != null) {
          throw refusedHost("more than one Host");
        }
        authority = field.getValue();
      } else if (header == HttpHeader.ORIGIN) {
        if (origin != null) {
          throw refusedOrigin("more than one Origin");
        }
        origin = field.getValue();
      } else if (header == null && field.getName().length() == 14) {
        if (field.getName().equalsIgnoreCase("Sec-Fetch-Site")) {
          site = field.getValue();
        } else if (field.getName().equalsIgnoreCase("Sec-Fetch-Mode")) {
          mode = field.getValue();
        }
      }
    }
    if (authority == null || !allowsHost(authority)) {
      throw refusedHost(authority == null ? "no Host" : authority);
    }
    if (origin != null && !isOwnOrigin(origin, authority)) {
      throw refusedOrigin(origin);
    }
    if (site != null && !site.equals("same-origin") && !site.equals("none")) {
      boolean followedLink = "navigate".equals(mode) && method.equals("GET");
      if (!followedLink) {
        throw refusedOrigin(site);
      }
    }
  }

  /** Whether only this machine can reach the address bound. */
  boolean loopback() {
    return loopback;
  }

  boolean allowsHost(String authority) {
    if (authority.equals(lastAllowed)) {
      return true;
    }
    boolean allowed = isAllowed(authority);
    if (allowed) {
      lastAllowed = authority;
    }
    return allowed;
  }

  private boolean isAllowed(String authority) {
    if (authority.length() > MAX_HOST) {
      return false;
    }
    String name = nameOf(authority);
    if (name == null) {
      return false;
    }
    if (!loopback) {
      return true;
    }
    return name.equals("localhost")
        || name.equals("[::1]")
        || name.equals(host)
        || name.equals("[" + host + "]")
        || isLoopbackLiteral(name);
  }

  /** The name or address of {@code name[:port]}, lower case; null when it is not of that form. */
  private static @Nullable String nameOf(String authority) {
    int bracket = authority.startsWith("[") ? authority.indexOf(']') : -1;
    if (authority.startsWith("[") && bracket < 0) {
      return null;
    }
    int colon = authority.indexOf(':', bracket + 1);
    String name = colon < 0 ? authority : authority.substring(0, colon);
    String port = colon < 0 ? "" : authority.substring(colon + 1);
    if (name.isEmpty() || port.length() > 5 || !port.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return null;
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      boolean fits =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '.'
              || c == '-'
              || c == '_'
              || (bracket > 0 && (c == ':' || c == '[' || c == ']'));
      if (!fits) {
        return null;
      }
    }
    return name.toLowerCase(Locale.ROOT);
  }

  /** 127.0.0.0/8 written as four decimal numbers. */
  private static boolean isLoopbackLiteral(String name) {
    String[] parts = name.split("\\.", -1);
    if (parts.length != 4 || !parts[0].equals("127")) {
      return false;
    }
    for (String part : parts) {
      if (part.isEmpty()
          || part.length() > 3
          || !part.chars().allMatch(c -> c >= '0' && c <= '9')
          || Integer.parseInt(part) > 255) {
        return false;
      }
    }
    return true;
  }

  private static boolean isOwnOrigin(String origin, String authority) {
    // https too: a proxy in front may have taken TLS off.
    return origin.equalsIgnoreCase("http://" + authority)
        || origin.equalsIgnoreCase("https://" + authority);
  }

  private PluginException refusedHost(String found) {
    return new PluginException(
        ErrorCode.HOST_NOT_ALLOWED,
        "This server does not answer to the Host '"
            + Text.printable(found, 80)
            + "'. Use http://localhost, or the address it is bound to.");
  }

  private static PluginException refusedOrigin(String found) {
    return new PluginException(
        ErrorCode.ORIGIN_NOT_ALLOWED,
        "Web pages of another origin ("
            + Text.printable(found, 80)
            + ") may not use this server. Call it from a program, or from its own pages.");
  }
}
