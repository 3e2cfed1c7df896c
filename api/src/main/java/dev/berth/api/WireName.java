package dev.berth.api;

import java.util.Optional;

/** A constant with a stable spelling of its own in manifests, JSON and the database. */
public interface WireName {
  /** The spelling, e.g. {@code network_access}. */
  String wireName();

  /** The constant of {@code type} spelled {@code name}, exactly; empty when there is none. */
  static <E extends Enum<E> & WireName> Optional<E> find(Class<E> type, String name) {
    for (E constant : type.getEnumConstants()) {
      if (constant.wireName().equals(name)) {
        return Optional.of(constant);
      }
    }
    return Optional.empty();
  }
}
