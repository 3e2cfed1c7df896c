/** The verbs of {@code berth}; a client of the REST API, the local verbs apart. */
@NullMarked
package dev.berth.cli;

import org.jspecify.annotations.NullMarked;
