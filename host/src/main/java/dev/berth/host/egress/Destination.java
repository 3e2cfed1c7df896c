package dev.berth.host.egress;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.net.IDN;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A place on the network, or a family of places: {@code host}, {@code host:port} or {@code
 * *.domain[:port]}, where the star stands for one or more labels.
 *
 * @param host in lower case, in its ASCII form, without a final dot and without the star's {@code
 *     *.}
 * @param port 0 for the usual ones, 80 and 443
 */
public record Destination(String host, boolean anySubdomain, int port) {
  /**
   * An IPv4 address with a part that starts with a zero: octal to inet_aton(3), decimal to Java, so
   * that two readers would see two places.
   */
  private static final Pattern AMBIGUOUS =
      Pattern.compile("(?:[0-9]+\\.)*0[0-9]+(?:\\.[0-9]+)*\\.?");

  /**
   * Reads one pattern.
   *
   * @throws PluginException {@code bad_request}
   */
  public static Destination parse(String pattern) {
    String rest = pattern.strip();
    boolean star = rest.startsWith("*.");
    if (star) {
      rest = rest.substring(2);
    }
    int colon = rest.endsWith("]") ? -1 : rest.lastIndexOf(':');
    int port = 0;
    if (colon >= 0) {
      port = port(rest.substring(colon + 1)).orElseThrow(() -> bad(pattern));
      rest = rest.substring(0, colon);
    }
    String host = normalHost(rest).orElseThrow(() -> bad(pattern));
    return new Destination(host, star, port);
  }

  private static PluginException bad(String pattern) {
    return new PluginException(
        ErrorCode.BAD_REQUEST,
        "'"
            + Text.printable(pattern, 100)
            + "' is not a destination. Write HOST, HOST:PORT, *.DOMAIN or *.DOMAIN:PORT.");
  }

  /** Whether this is, or covers, that place. */
  boolean covers(String otherHost, int otherPort) {
    boolean portFits = port == 0 ? otherPort == 80 || otherPort == 443 : port == otherPort;
    return portFits && (anySubdomain ? otherHost.endsWith("." + host) : otherHost.equals(host));
  }

  static Optional<Integer> port(String text) {
    if (!text.matches("[0-9]{1,5}")) {
      return Optional.empty();
    }
    int port = Integer.parseInt(text);
    return port >= 1 && port <= 65535 ? Optional.of(port) : Optional.empty();
  }

  /** A host name or literal address in the one form it is compared in; empty when it is neither. */
  static Optional<String> normalHost(String raw) {
    String host = raw.toLowerCase(Locale.ROOT);
    if (AMBIGUOUS.matcher(host).matches()) {
      return Optional.empty();
    }
    var literal = AddressRules.literal(host);
    if (literal.isPresent()) {
      return Optional.of(literal.get().getHostAddress());
    }
    if (host.endsWith(".")) {
      host = host.substring(0, host.length() - 1);
    }
    try {
      // No host name has an underscore, and resolvers find some: those of container networks do.
      String _ = IDN.toASCII(host.replace('_', 'x'), IDN.USE_STD3_ASCII_RULES);
      host = IDN.toASCII(host).toLowerCase(Locale.ROOT);
    } catch (IllegalArgumentException _) {
      return Optional.empty();
    }
    return host.isEmpty() || host.length() > 253 || host.startsWith(".")
        ? Optional.empty()
        : Optional.of(host);
  }
}
