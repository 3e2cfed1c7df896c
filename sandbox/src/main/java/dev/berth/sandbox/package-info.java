/** Launches a plugin's worker in isolation and watches it end. Knows nothing of the protocol. */
@NullMarked
package dev.berth.sandbox;

import org.jspecify.annotations.NullMarked;
