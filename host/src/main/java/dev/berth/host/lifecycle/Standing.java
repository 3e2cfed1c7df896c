package dev.berth.host.lifecycle;

import dev.berth.api.PluginException;
import dev.berth.host.store.PluginRow;
import org.jspecify.annotations.Nullable;

/**
 * How a plugin stands: its row, with what the operator wants, and what keeps it from taking calls.
 * The {@link Supervisor} writes it; whoever reads sees each part as it is at that moment.
 */
final class Standing {
  private volatile PluginRow row;
  private volatile @Nullable PluginException ended;
  private volatile @Nullable PluginException noSandbox;
  private volatile String lastFailure = "";

  Standing(PluginRow row) {
    this.row = row;
  }

  PluginRow row() {
    return row;
  }

  void becomes(PluginRow now) {
    row = now;
  }

  /** What calls and operations get since the plugin or the host came to its end; null before. */
  @Nullable PluginException ended() {
    return ended;
  }

  void ends(@Nullable PluginException why) {
    ended = why;
  }

  /** No worker can be had for now. */
  void hasNoSandbox(PluginException why) {
    noSandbox = why;
  }

  /** A worker can be had, as far as is known. */
  void hasSandbox() {
    noSandbox = null;
  }

  /** What happened to the worker last; empty when nothing is known. */
  String lastFailure() {
    return lastFailure;
  }

  void failed(String why) {
    lastFailure = why;
  }

  /** Why calls are not taken; null when they are. */
  @Nullable PluginException refusal() {
    PluginException end = ended;
    PluginRow now = row;
    PluginException refusal = end != null ? end : Refusals.of(now, now.state());
    return refusal != null ? refusal : noSandbox;
  }
}
