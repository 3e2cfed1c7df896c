/** REST routes, authentication and metrics; knows {@link dev.berth.api.PluginService} alone. */
@NullMarked
package dev.berth.server;

import org.jspecify.annotations.NullMarked;
