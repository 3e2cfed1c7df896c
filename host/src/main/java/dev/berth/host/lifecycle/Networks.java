package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.Permission;
import dev.berth.api.PluginException;
import dev.berth.host.HostSettings;
import dev.berth.host.egress.Destination;
import dev.berth.host.egress.EgressLimits;
import dev.berth.host.egress.EgressOptions;
import dev.berth.host.egress.EgressPolicy;
import dev.berth.host.egress.EgressProxy;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives each worker whose plugin may use the network an egress proxy of its own. */
final class Networks {
  private static final Logger LOG = LoggerFactory.getLogger(Networks.class);

  private final Path folder;
  private final List<Destination> exceptions;
  private final List<Destination> bounds;
  private final long hourly;

  private Networks(
      Path folder, List<Destination> exceptions, List<Destination> bounds, long hourly) {
    this.folder = folder;
    this.exceptions = exceptions;
    this.bounds = bounds;
    this.hourly = hourly;
  }

  /**
   * Makes the folder of the proxies' sockets, empty.
   *
   * @throws PluginException {@code bad_request} when one of the operator's places is none
   */
  static Networks open(Path folder, HostSettings.Egress settings) {
    List<Destination> exceptions = EgressOptions.allow(settings.allow());
    List<Destination> bounds = EgressOptions.only(settings.only());
    try {
      Files.createDirectories(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      try (DirectoryStream<Path> left = Files.newDirectoryStream(folder)) {
        for (Path socket : left) {
          Files.delete(socket);
        }
      }
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.STORE_UNAVAILABLE, folder + " can't be made ready: " + e, e);
    }
    if (!exceptions.isEmpty()) {
      LOG.warn(
          "egress: plugins with network_access may reach {} though the addresses may be private",
          String.join(", ", settings.allow()));
    }
    if (!bounds.isEmpty()) {
      LOG.info(
          "egress: plugins may reach {} and nothing else",
          String.join(
              ", ", Stream.concat(settings.only().stream(), settings.allow().stream()).toList()));
    }
    return new Networks(folder, exceptions, bounds, settings.hourlyBytes());
  }

  /**
   * The proxy of a worker to come; null when its plugin may not use the network. The caller closes
   * it when the worker has ended.
   *
   * @throws PluginException {@code internal}
   */
  @Nullable EgressProxy open(LaunchPlan plan, int generation, PluginLog log, Traffic traffic) {
    if (!plan.pack().manifest().permissions().contains(Permission.NETWORK_ACCESS)) {
      return null;
    }
    List<Destination> wanted =
        plan.pack().manifest().egress().stream().map(Destination::parse).toList();
    return EgressProxy.open(
        folder.resolve(plan.id().value() + "-" + generation + ".sock"),
        new EgressPolicy(wanted, bounds, exceptions),
        EgressLimits.DEFAULT,
        new Denials(log, traffic, hourly));
  }
}
