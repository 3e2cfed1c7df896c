/** Tenant-scoped persistence: registry, journal, settings, keys. */
@NullMarked
package dev.berth.host.store;

import org.jspecify.annotations.NullMarked;
