/** An archive to an immutable package on disk; requirements to a locked folder of wheels. */
@NullMarked
package dev.berth.host.install;

import org.jspecify.annotations.NullMarked;
