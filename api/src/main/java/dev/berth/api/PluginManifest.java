package dev.berth.api;

import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * What plugin.yaml says, checked.
 *
 * @param name {@code [a-z][a-z0-9-]{1,62}}
 * @param dependencies Python requirements (PEP 508) in the manifest's order
 * @param permissions what it can't work without
 * @param optionalPermissions what it can; disjoint from {@code permissions}
 * @param pythonRequires a PEP 440 specifier set; empty when any Python will do
 * @param egress where it wants to connect to, as {@code host}, {@code host:port} or {@code
 *     *.domain}; empty for anywhere
 * @param dockerImage the container image it wants; empty for the host's own
 * @param minHostVersion the oldest Berth it works with; empty when any
 */
public record PluginManifest(
    String name,
    Version version,
    String description,
    String author,
    String email,
    String license,
    PluginType type,
    EntryPoint entryPoint,
    List<String> dependencies,
    Set<Permission> permissions,
    Set<Permission> optionalPermissions,
    ResourceLimits resources,
    ConfigSchema configSchema,
    Set<Hook> hooks,
    List<Command> commands,
    List<String> egress,
    String dockerImage,
    String pythonRequires,
    String minHostVersion) {
  public PluginManifest {
    Objects.requireNonNull(name);
    dependencies = List.copyOf(dependencies);
    permissions = copy(permissions, Permission.class);
    optionalPermissions = copy(optionalPermissions, Permission.class);
    hooks = copy(hooks, Hook.class);
    commands = List.copyOf(commands);
    egress = List.copyOf(egress);
  }

  private static <E extends Enum<E>> Set<E> copy(Set<E> values, Class<E> type) {
    EnumSet<E> copy = EnumSet.noneOf(type);
    copy.addAll(values);
    return java.util.Collections.unmodifiableSet(copy);
  }
}
