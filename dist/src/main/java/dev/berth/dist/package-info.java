/** The wiring of all rooms. */
@NullMarked
package dev.berth.dist;

import org.jspecify.annotations.NullMarked;
