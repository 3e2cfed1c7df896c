package dev.berth.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.EntryPoint;
import dev.berth.api.Json;
import dev.berth.api.PluginId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The messages of {@code protocol/golden}, which the worker's tests read too. */
class GoldenMessagesTest {
  private static final JsonMapper MAPPER = JsonMapper.shared();

  /** One file. */
  record Golden(String name, boolean fromHost, String frame, JsonNode means) {
    @Override
    public String toString() {
      return name;
    }

    private String text(String member) {
      return means.required(member).stringValue();
    }

    private int number(String member) {
      return means.required(member).intValue();
    }

    private Json json(String member) {
      return Json.of(text(member));
    }

    private long id() {
      return means.required("id").longValue();
    }
  }

  private static List<Golden> all() throws IOException {
    Path folder = RunningWorker.repository().resolve("protocol/golden");
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(f -> f.toString().endsWith(".json"))
          .sorted()
          .map(GoldenMessagesTest::read)
          .toList();
    }
  }

  private static Golden read(Path file) {
    JsonNode node = MAPPER.readTree(file.toFile());
    return new Golden(
        file.getFileName().toString(),
        node.required("direction").stringValue().equals("host"),
        node.required("frame").stringValue(),
        node.required("means"));
  }

  private static Stream<Golden> ofHost() throws IOException {
    return all().stream().filter(Golden::fromHost);
  }

  private static Stream<Golden> ofWorker() throws IOException {
    return all().stream().filter(g -> !g.fromHost());
  }

  @Test
  void everyMessageHasAFile() throws IOException {
    assertThat(ofHost().map(g -> hostMessage(g).getClass().getSimpleName()).distinct())
        .containsExactlyInAnyOrder(
            "Initialize", "Execute", "ExecuteChunked", "Cancel", "Health", "Shutdown", "Chunk");
    assertThat(ofWorker().map(g -> workerMessage(g).getClass()).distinct())
        .hasSize(WorkerMessage.class.getPermittedSubclasses().length);
  }

  @ParameterizedTest
  @MethodSource("ofHost")
  void theHostWrites(Golden golden) {
    var out = new FrameBuffer();
    hostMessage(golden).writeTo(out);

    ByteBuffer bytes = out.toRead();
    assertThat(bytes.getInt()).isEqualTo(bytes.remaining());
    assertThat(StandardCharsets.UTF_8.decode(bytes).toString()).isEqualTo(golden.frame);
  }

  @ParameterizedTest
  @MethodSource("ofWorker")
  void theHostReads(Golden golden) {
    byte[] bytes = golden.frame.getBytes(StandardCharsets.UTF_8);
    for (boolean mayKeep : new boolean[] {false, true}) {
      assertThat(WorkerMessages.read(bytes, 0, bytes.length, mayKeep))
          .usingRecursiveComparison()
          .withEqualsForType(Json::equals, Json.class)
          .isEqualTo(workerMessage(golden));
    }
  }

  /** The slow way must say the same as the fast one. */
  @ParameterizedTest
  @MethodSource("ofWorker")
  void theHostReadsWithWhiteSpace(Golden golden) {
    byte[] bytes = (" " + golden.frame).getBytes(StandardCharsets.UTF_8);
    assertThat(WorkerMessages.read(bytes, 0, bytes.length, false))
        .usingRecursiveComparison()
        .withEqualsForType(Json::equals, Json.class)
        .isEqualTo(workerMessage(golden));
  }

  private static HostMessage hostMessage(Golden g) {
    return switch (g.text("type")) {
      case "initialize" -> {
        var paths = new ArrayList<String>();
        g.means.required("paths").forEach(p -> paths.add(p.stringValue()));
        yield new HostMessage.Initialize(
            g.id(),
            new Initialization(
                new PluginId(g.text("plugin")),
                g.text("name"),
                g.text("version"),
                new EntryPoint(g.text("main"), g.text("class")),
                paths,
                g.json("config_text")),
            g.number("max_context_bytes"),
            g.number("max_result_bytes"));
      }
      case "execute" -> new HostMessage.Execute(g.id(), g.json("context_text"));
      case "execute-chunked" -> new HostMessage.ExecuteChunked(g.id(), g.number("chunks"));
      case "cancel" -> new HostMessage.Cancel(g.id());
      case "health" -> new HostMessage.Health(g.id());
      case "shutdown" -> new HostMessage.Shutdown(g.id());
      case "chunk" -> {
        byte[] data = g.text("data").getBytes(StandardCharsets.UTF_8);
        yield new HostMessage.Chunk(g.id(), data, 0, data.length);
      }
      default -> throw new AssertionError(g.text("type"));
    };
  }

  private static WorkerMessage workerMessage(Golden g) {
    return switch (g.text("type")) {
      case "executed" ->
          new WorkerMessage.Executed(
              g.id(), g.means.required("success").booleanValue(), g.json("value_text"));
      case "executed-chunked" ->
          new WorkerMessage.ExecutedChunked(
              g.id(), g.means.required("success").booleanValue(), g.number("chunks"));
      case "initialized" ->
          new WorkerMessage.Initialized(
              g.id(),
              g.number("protocol"),
              g.text("python"),
              g.means.required("health").booleanValue());
      case "answered" -> new WorkerMessage.Answered(g.id(), g.json("value_text"));
      case "failed" ->
          new WorkerMessage.Failed(
              g.id(),
              g.number("code"),
              g.text("message"),
              g.text("kind"),
              g.text("exception"),
              g.means.required("frames").valueStream().map(JsonNode::stringValue).toList(),
              g.means.required("traceback").isNull() ? null : g.text("traceback"),
              g.means.path("full").valueStream().map(JsonNode::stringValue).toList());
      case "cancelling" -> new WorkerMessage.Cancelling(g.id());
      case "progress" ->
          new WorkerMessage.Progress(
              g.id(),
              g.means.required("fraction").isNull()
                  ? null
                  : g.means.required("fraction").doubleValue(),
              g.text("message"));
      case "partial" -> new WorkerMessage.Partial(g.id(), g.json("value_text"));
      case "log" -> {
        var records = new ArrayList<WorkerMessage.Log.Entry>();
        for (JsonNode r : g.means.required("records")) {
          records.add(
              new WorkerMessage.Log.Entry(
                  r.required("time").longValue(),
                  r.required("level").stringValue(),
                  r.required("source").stringValue(),
                  r.required("logger").stringValue(),
                  r.required("message").stringValue()));
        }
        yield new WorkerMessage.Log(records, g.number("dropped"));
      }
      case "chunk" ->
          new WorkerMessage.Chunk(g.id(), g.text("data").getBytes(StandardCharsets.UTF_8));
      default -> throw new AssertionError(g.text("type"));
    };
  }
}
