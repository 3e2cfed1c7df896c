/** plugin.yaml and config.yaml to checked records. */
@NullMarked
package dev.berth.host.manifest;

import org.jspecify.annotations.NullMarked;
