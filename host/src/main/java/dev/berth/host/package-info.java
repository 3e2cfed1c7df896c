/** Wires the rooms of the host together. The one public door: {@link dev.berth.host.BerthHost}. */
@NullMarked
package dev.berth.host;

import org.jspecify.annotations.NullMarked;
