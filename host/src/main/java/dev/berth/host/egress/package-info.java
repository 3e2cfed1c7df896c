/**
 * The only way from a sandbox to the network: a forward proxy behind one unix socket a plugin.
 * Looks up names itself, checks the addresses they lead to, and connects to the address it checked.
 */
@NullMarked
package dev.berth.host.egress;

import org.jspecify.annotations.NullMarked;
