/**
 * What an embedding program sees: {@link dev.berth.api.PluginService}, the records it takes and
 * gives, and the one exception it throws. Depends on the JDK alone.
 */
@NullMarked
package dev.berth.api;

import org.jspecify.annotations.NullMarked;
