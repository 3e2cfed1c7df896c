package dev.berth.channel;

import dev.berth.api.EntryPoint;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginId;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A real worker in a Python process of its own, without a sandbox, and the channel to it. */
final class RunningWorker implements AutoCloseable {
  static final Duration LONG = Duration.ofSeconds(30);
  static final PluginId ID = new PluginId("plugin_t");

  final WorkerChannel channel;
  final RecordingListener listener = new RecordingListener();
  final Process process;
  private final SelectorLoop loop;
  private final Path folder;

  private RunningWorker(Path folder, ChannelLimits limits) throws IOException {
    this.folder = folder;
    Connection connection = Connection.launch(folder);
    this.process = connection.process();
    this.loop = new SelectorLoop();
    this.channel = WorkerChannels.open(connection.socket(), loop, ID, "dice", limits, listener);
  }

  /** The socket to a worker and its process. */
  record Connection(SocketChannel socket, Process process) {
    static Connection launch(Path folder) throws IOException {
      Path path = folder.resolve("s");
      Path python = repository().resolve("python");
      try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
        server.bind(UnixDomainSocketAddress.of(path));
        String code =
            "import os, socket, sys; sys.path[:0] = sys.argv[2:];"
                + "from berth_runtime import worker;"
                + "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
                + "os._exit(worker.begin()(s))";
        Process process =
            new ProcessBuilder(
                    "python3",
                    "-I",
                    "-S",
                    "-c",
                    code,
                    path.toString(),
                    python.resolve("runtime").toString(),
                    python.resolve("sdk").toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile())
                .start();
        return new Connection(server.accept(), process);
      }
    }
  }

  /** Starts a worker with the plugin that {@code main} defines as class P, and initialises it. */
  static RunningWorker of(Path folder, String main) throws Exception {
    return of(folder, main, ChannelLimits.DEFAULT);
  }

  static RunningWorker of(Path folder, String main, ChannelLimits limits) throws Exception {
    RunningWorker worker = fresh(folder, main, limits);
    try {
      worker.initialize().get(30, TimeUnit.SECONDS);
      return worker;
    } catch (Exception e) {
      worker.close();
      throw e;
    }
  }

  /** The same without initialising it. */
  static RunningWorker fresh(Path folder, String main, ChannelLimits limits) throws IOException {
    Files.writeString(folder.resolve("main.py"), main);
    return new RunningWorker(folder, limits);
  }

  java.util.concurrent.CompletableFuture<Json> initialize() {
    return channel.initialize(initialization(folder), LONG);
  }

  static Initialization initialization(Path folder) {
    return new Initialization(
        ID,
        "dice",
        "1.0.0",
        new EntryPoint("main.py", "P"),
        List.of(folder.toString()),
        Json.of("{\"key\":\"value\"}"));
  }

  ExecutionResult execute(String context) throws Exception {
    return channel
        .execute(Json.of(context), LONG, ExecutionListener.NONE)
        .get(60, TimeUnit.SECONDS);
  }

  static Path repository() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(at.resolve("protocol"))) {
      at = at.getParent();
    }
    return at;
  }

  @Override
  public void close() {
    channel.close();
    loop.close();
    process.destroyForcibly().onExit().join();
  }
}
