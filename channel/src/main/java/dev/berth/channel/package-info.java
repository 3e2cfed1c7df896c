/**
 * Typed messages over one socket: frames, handshake, many calls in flight, deadlines. Knows nothing
 * of how the process at the other end was started. The wire format is in {@code
 * protocol/README.md}.
 */
@NullMarked
package dev.berth.channel;

import org.jspecify.annotations.NullMarked;
