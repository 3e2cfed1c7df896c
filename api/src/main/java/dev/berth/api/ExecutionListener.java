package dev.berth.api;

import org.jspecify.annotations.Nullable;

/**
 * Told what a call does while it runs, in order, before its result. Called on the thread that reads
 * the plugin's channel, so it must not block.
 */
public interface ExecutionListener {
  ExecutionListener NONE = new ExecutionListener() {};

  /**
   * @param fraction how much is done, 0 to 1; null when the plugin doesn't know
   * @param message what it is doing; may be empty
   */
  default void onProgress(@Nullable Double fraction, String message) {}

  /** A part of the result, as JSON. */
  default void onPartial(Json value) {}
}
