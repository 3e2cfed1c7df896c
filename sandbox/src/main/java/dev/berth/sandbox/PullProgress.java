package dev.berth.sandbox;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Makes a line now and then of what an engine says of a pull, which is several lines a second for
 * each layer.
 */
final class PullProgress {
  static final long EVERY_NANOS = 3_000_000_000L;
  private static final int MAX_LAYERS = 1000;

  /**
   * @param bytes of it that are here
   * @param size in bytes; 0 while it is not known
   * @param done whether it is unpacked
   */
  private record Layer(long bytes, long size, boolean done) {
    static final Layer NEW = new Layer(0, 0, false);
  }

  private final String name;
  private final LongSupplier clock;
  private final Consumer<String> tell;
  private final Map<String, Layer> layers = new LinkedHashMap<>();
  private String told = "";
  private long toldAt;

  /**
   * @param name the image
   * @param clock as {@link System#nanoTime()}
   * @param tell takes a line such as {@code pulling x:1: 3 of 7 layers, 45 of 120 MB}
   */
  PullProgress(String name, LongSupplier clock, Consumer<String> tell) {
    this.name = name;
    this.clock = clock;
    this.tell = tell;
    this.toldAt = clock.getAsLong() - EVERY_NANOS;
  }

  /**
   * @param line an object of the engine's stream
   */
  void heard(JsonNode line) {
    String id = line.path("id").asString("");
    if (id.isEmpty() || (!layers.containsKey(id) && layers.size() >= MAX_LAYERS)) {
      return;
    }
    Layer layer = next(layers.getOrDefault(id, Layer.NEW), line);
    if (layer == null) {
      return;
    }
    layers.put(id, layer);
    long now = clock.getAsLong();
    String text = text();
    if (now - toldAt >= EVERY_NANOS && !text.equals(told)) {
      told = text;
      toldAt = now;
      tell.accept(text);
    }
  }

  /** What a line makes of a layer; null when it is of something else. */
  private static @Nullable Layer next(Layer layer, JsonNode line) {
    JsonNode detail = line.path("progressDetail");
    return switch (line.path("status").asString("")) {
      case "Pulling fs layer", "Waiting", "Verifying Checksum", "Retrying" -> layer;
      case "Downloading" ->
          new Layer(
              detail.path("current").asLong(layer.bytes()),
              Math.max(layer.size(), detail.path("total").asLong(0)),
              false);
      case "Download complete", "Extracting" -> new Layer(layer.size(), layer.size(), false);
      case "Pull complete", "Already exists" -> new Layer(layer.size(), layer.size(), true);
      default -> null;
    };
  }

  private String text() {
    long done = layers.values().stream().filter(Layer::done).count();
    long bytes = layers.values().stream().mapToLong(Layer::bytes).sum();
    long size = layers.values().stream().mapToLong(Layer::size).sum();
    return "pulling "
        + name
        + ": "
        + done
        + " of "
        + layers.size()
        + " layers"
        + (size == 0 ? "" : ", " + megabytes(bytes) + " of " + megabytes(size) + " MB");
  }

  private static long megabytes(long bytes) {
    return (bytes + 999_999) / 1_000_000;
  }
}
