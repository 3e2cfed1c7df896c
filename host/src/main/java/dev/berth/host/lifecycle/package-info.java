/** State machine, supervisor, workers, health, update. */
@NullMarked
package dev.berth.host.lifecycle;

import org.jspecify.annotations.NullMarked;
