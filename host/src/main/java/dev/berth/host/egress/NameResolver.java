package dev.berth.host.egress;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;

/** Looks names up. */
@FunctionalInterface
interface NameResolver {
  /** The machine's own. */
  NameResolver SYSTEM = host -> List.of(InetAddress.getAllByName(host));

  /** Every address of {@code host}, in the order to try them. */
  List<InetAddress> resolve(String host) throws UnknownHostException;
}
