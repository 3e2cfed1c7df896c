package dev.berth.channel;

import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the channel costs over the least that can be: the same worker answering the same messages to
 * a bare blocking socket that only counts frames. Both in one run, alternating; medians of the
 * rounds. Not a test: run its main.
 */
final class ChannelBench {
  private static final String PLUGIN =
      """
      class P:
          def __init__(self, config):
              pass
          async def execute(self, context):
              return {"success": True, "result": context["message"], "message": "ok"}
      """;
  private static final String CONTEXT =
      "{\"message\":\"" + "x".repeat(200) + "\",\"user\":\"john_doe\",\"channel\":\"#general\"}";

  private ChannelBench() {}

  private record Figures(double perSecond, double javaMicros, double pythonMicros) {}

  public static void main(String[] args) throws Exception {
    int calls = args.length > 0 ? Integer.parseInt(args[0]) : 200_000;
    int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 7;
    for (int inFlight : new int[] {64, 1}) {
      int count = inFlight == 1 ? calls / 5 : calls;
      var raw = new Figures[rounds];
      var channel = new Figures[rounds];
      for (int i = 0; i < rounds; i++) {
        raw[i] = withFolder(folder -> pingPong(folder, inFlight, count));
        channel[i] = withFolder(folder -> channel(folder, inFlight, count));
        System.out.printf(
            "  round %d: raw %s%n           channel %s%n", i, show(raw[i]), show(channel[i]));
      }
      Figures a = median(raw);
      Figures b = median(channel);
      System.out.printf(
          "%d in flight: raw %s%n             channel %s%n             ratio %.2f, CPU ratio %.2f%n",
          inFlight,
          show(a),
          show(b),
          b.perSecond / a.perSecond,
          (b.javaMicros + b.pythonMicros) / (a.javaMicros + a.pythonMicros));
    }
  }

  private static String show(Figures f) {
    return "%.0f msg/s (%.1f us each), CPU us a message: Java %.1f, Python %.1f"
        .formatted(f.perSecond, 1e6 / f.perSecond, f.javaMicros, f.pythonMicros);
  }

  private static Figures median(Figures[] all) {
    Figures[] sorted = all.clone();
    Arrays.sort(sorted, Comparator.comparingDouble(Figures::perSecond));
    return sorted[sorted.length / 2];
  }

  private interface Run {
    Figures on(Path folder) throws Exception;
  }

  private static Figures withFolder(Run run) throws Exception {
    Path folder = Files.createTempDirectory("berth-bench");
    try {
      return run.on(folder);
    } finally {
      try (var files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  // The floor.

  private static Figures pingPong(Path folder, int inFlight, int calls) throws Exception {
    Files.writeString(folder.resolve("main.py"), PLUGIN);
    RunningWorker.Connection connection = RunningWorker.Connection.launch(folder);
    try (SocketChannel socket = connection.socket()) {
      var out = new FrameBuffer();
      new HostMessage.Initialize(1, RunningWorker.initialization(folder), 1 << 20, 1 << 20)
          .writeTo(out);
      send(socket, out);
      var counter = new FrameCounter(socket);
      counter.await(1);
      long id = runRaw(socket, counter, 2, inFlight, calls / 4);
      Meter meter = Meter.start(connection.process());
      long _ = runRaw(socket, counter, id, inFlight, calls);
      return meter.stop(calls);
    } finally {
      connection.process().destroyForcibly();
      connection.process().waitFor();
    }
  }

  private static long runRaw(
      SocketChannel socket, FrameCounter counter, long firstId, int inFlight, int calls)
      throws IOException {
    Json context = Json.of(CONTEXT);
    var out = new FrameBuffer();
    long id = firstId;
    int sent = 0;
    int done = 0;
    int window = inFlight;
    while (done < calls) {
      int frames = 0;
      while (window > 0 && sent < calls) {
        new HostMessage.Execute(id++, context).writeTo(out);
        sent++;
        window--;
        if (++frames == 16) {
          send(socket, out);
          frames = 0;
        }
      }
      send(socket, out);
      int got = counter.await(1);
      done += got;
      window += got;
    }
    return id;
  }

  private static void send(SocketChannel socket, FrameBuffer out) throws IOException {
    ByteBuffer bytes = out.toRead();
    while (bytes.hasRemaining()) {
      socket.write(bytes);
    }
    out.clear();
  }

  /** Reads and counts frames, looking at their lengths only. */
  private static final class FrameCounter {
    private final SocketChannel socket;
    private final ByteBuffer in = ByteBuffer.allocateDirect(1 << 16);

    FrameCounter(SocketChannel socket) {
      this.socket = socket;
    }

    int await(int atLeast) throws IOException {
      int frames = 0;
      while (frames < atLeast) {
        if (socket.read(in) < 0) {
          throw new IOException("the worker has gone");
        }
        in.flip();
        while (in.remaining() >= 4 && in.remaining() >= 4 + in.getInt(in.position())) {
          in.position(in.position() + 4 + in.getInt(in.position()));
          frames++;
        }
        in.compact();
      }
      return frames;
    }
  }

  // The channel.

  private static Figures channel(Path folder, int inFlight, int calls) throws Exception {
    try (RunningWorker worker = RunningWorker.of(folder, PLUGIN)) {
      runChannel(worker.channel, inFlight, calls / 4);
      Meter meter = Meter.start(worker.process);
      runChannel(worker.channel, inFlight, calls);
      return meter.stop(calls);
    }
  }

  private static void runChannel(WorkerChannel channel, int inFlight, int calls) throws Exception {
    var left = new AtomicLong(calls);
    var done = new CountDownLatch(calls);
    Json context = Json.of(CONTEXT);
    for (int i = 0; i < inFlight; i++) {
      next(channel, context, left, done);
    }
    if (!done.await(120, TimeUnit.SECONDS)) {
      throw new IllegalStateException(done.getCount() + " calls were not answered");
    }
  }

  private static void next(
      WorkerChannel channel, Json context, AtomicLong left, CountDownLatch done) {
    if (left.getAndDecrement() <= 0) {
      return;
    }
    var _ =
        channel
            .execute(context, RunningWorker.LONG, ExecutionListener.NONE)
            .whenComplete((result, error) -> {
              if (!(result instanceof ExecutionResult.Succeeded)) {
                throw new IllegalStateException("failed: " + result);
              }
              done.countDown();
              next(channel, context, left, done);
            });
  }

  private record Meter(Process process, long wall, double java, double python) {
    static Meter start(Process process) throws IOException {
      return new Meter(
          process, System.nanoTime(), cpu(ProcessHandle.current().pid()), cpu(process.pid()));
    }

    Figures stop(int calls) throws IOException {
      double seconds = (System.nanoTime() - wall) / 1e9;
      return new Figures(
          calls / seconds,
          (cpu(ProcessHandle.current().pid()) - java) / calls * 1e6,
          (cpu(process.pid()) - python) / calls * 1e6);
    }

    /** CPU seconds of a process, as /proc/PID/stat counts them (proc(5)), in ticks of 10 ms. */
    private static double cpu(long pid) throws IOException {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.UTF_8);
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
    }
  }
}
