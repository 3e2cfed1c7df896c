package dev.berth.cli;

import dev.berth.cli.ServerEvents.Event;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Shows what the server is at to somebody who waits. */
final class Progress implements Consumer<Event>, AutoCloseable {
  private final Terminal terminal;

  private Progress(Terminal terminal) {
    this.terminal = terminal;
  }

  /** One for {@code terminal}; null when nobody watches, so that nothing is asked for. */
  static @Nullable Progress on(Terminal terminal, boolean json) {
    return terminal.errTerminal() && !json ? new Progress(terminal) : null;
  }

  @Override
  public void accept(Event event) {
    switch (event.name()) {
      case "progress" -> terminal.status(line(JsonText.parse(event.data())));
      case "partial" -> {
        terminal.clearStatus();
        terminal.remark(Fields.text(JsonText.parse(event.data()).path("value")));
      }
      default -> {}
    }
  }

  private static String line(JsonNode data) {
    String message = data.path("message").asString("");
    if (data.path("fraction").isNumber()) {
      double fraction = Math.clamp(data.path("fraction").asDouble(), 0, 1);
      return "%d %%  %s".formatted(Math.round(fraction * 100), message);
    }
    String step = data.path("step").asString("");
    return step.isEmpty() ? message : step + ": " + message;
  }

  @Override
  public void close() {
    terminal.clearStatus();
  }
}
