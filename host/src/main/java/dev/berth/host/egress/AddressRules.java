package dev.berth.host.egress;

import java.math.BigInteger;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Which addresses a plugin may not be connected to: all that the IANA special-purpose registries
 * (RFC 6890, kept at iana.org/assignments/iana-ipv4-special-registry and -ipv6-) do not mark as
 * globally reachable, multicast, and the IPv4 addresses that SIIT (RFC 2765) puts into IPv6 ones.
 */
final class AddressRules {
  /** Addresses of {@code length} bytes whose first {@code bits} are those of {@code prefix}. */
  private record Range(BigInteger prefix, int length, int bits, String name) {
    boolean contains(byte[] address) {
      return address.length == length
          && new BigInteger(1, address).xor(prefix).shiftRight(length * 8 - bits).signum() == 0;
    }
  }

  private static final List<Range> FORBIDDEN = new ArrayList<>();

  static {
    forbid("this network", "0.0.0.0/8");
    forbid("private", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7");
    forbid("shared by carriers", "100.64.0.0/10");
    forbid("loopback", "127.0.0.0/8", "::1/128");
    forbid("link-local", "169.254.0.0/16", "fe80::/10");
    forbid("protocol assignments", "192.0.0.0/24", "2001::/23", "64:ff9b:1::/48");
    forbid("documentation", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24");
    forbid("documentation", "2001:db8::/32", "3fff::/20");
    forbid("relays", "192.88.99.0/24", "2002::/16");
    forbid("benchmarks", "198.18.0.0/15");
    forbid("multicast", "224.0.0.0/4", "ff00::/8");
    forbid("reserved", "240.0.0.0/4", "5f00::/16", "fec0::/10");
    forbid("unspecified", "::/128");
    forbid("discard", "100::/64");
    forbid("dummy", "100:0:0:1::/64");
    forbid("translated", "::ffff:0:0:0/96");
  }

  private AddressRules() {}

  private static void forbid(String name, String... ranges) {
    for (String range : ranges) {
      int slash = range.indexOf('/');
      byte[] prefix = InetAddress.ofLiteral(range.substring(0, slash)).getAddress();
      int bits = Integer.parseInt(range.substring(slash + 1));
      FORBIDDEN.add(new Range(new BigInteger(1, prefix), prefix.length, bits, name));
    }
  }

  /** Why {@code address} may not be connected to; empty when it may. */
  static Optional<String> refusal(InetAddress address) {
    byte[] bytes = embeddedIpv4(address.getAddress());
    return FORBIDDEN.stream().filter(r -> r.contains(bytes)).map(Range::name).findFirst();
  }

  /** An IPv4 address inside an IPv6 one (mapped, compatible, NAT64) is judged as what it is. */
  private static byte[] embeddedIpv4(byte[] bytes) {
    if (bytes.length == 4) {
      return bytes;
    }
    boolean zeros = true;
    for (int i = 0; i < 10; i++) {
      zeros &= bytes[i] == 0;
    }
    boolean mapped = zeros && bytes[10] == -1 && bytes[11] == -1;
    boolean compatible =
        zeros && bytes[10] == 0 && bytes[11] == 0 && (bytes[12] != 0 || bytes[13] != 0);
    boolean nat64 =
        Arrays.equals(
            bytes,
            0,
            12,
            new byte[] {0, 0x64, (byte) 0xff, (byte) 0x9b, 0, 0, 0, 0, 0, 0, 0, 0},
            0,
            12);
    return mapped || compatible || nat64 ? Arrays.copyOfRange(bytes, 12, 16) : bytes;
  }

  /** An address of the textual form, for the operator's exceptions. */
  static Optional<InetAddress> literal(String host) {
    try {
      String bare =
          host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
      InetAddress address = InetAddress.ofLiteral(bare);
      return Optional.of(
          address instanceof Inet4Address
              ? address
              : InetAddress.getByAddress(address.getAddress()));
    } catch (IllegalArgumentException | UnknownHostException _) {
      return Optional.empty();
    }
  }
}
