import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * The bare way to a worker and back: frames on a unix socket from one blocking thread, no checks, no
 * HTTP, no sandbox. Nothing that goes through the same worker can be faster.
 *
 * <p>{@code java PingPong.java PYTHON WORKER_SCRIPT RUNTIME PLUGIN_FOLDER CONTEXT_JSON}, then on standard
 * input lines of {@code IN_FLIGHT SECONDS}; each is answered with {@code CALLS SECONDS P50_MICROS}.
 * The first line it prints is the worker's pid.
 */
public final class PingPong {
  private final SocketChannel socket;
  private final byte[] context;
  private final ByteBuffer in = ByteBuffer.allocateDirect(1 << 20);
  private final ByteBuffer out = ByteBuffer.allocateDirect(1 << 20);
  private long id = 1;

  private PingPong(SocketChannel socket, byte[] context) {
    this.socket = socket;
    this.context = context;
  }

  public static void main(String[] args) throws IOException {
    Path folder = Files.createTempDirectory("pingpong");
    Path path = folder.resolve("socket");
    Process worker = null;
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      worker =
          new ProcessBuilder(
                  List.of(args[0], "-I", "-S", args[1], args[2], path.toString()))
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try (SocketChannel socket = server.accept()) {
        var pingPong = new PingPong(socket, args[4].getBytes(StandardCharsets.UTF_8));
        pingPong.initialize(args[3]);
        System.out.println(worker.pid());
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          String[] words = line.split(" ");
          System.out.println(
              pingPong.measure(Integer.parseInt(words[0]), Double.parseDouble(words[1])));
        }
      }
    } finally {
      if (worker != null) {
        worker.destroyForcibly();
      }
      Files.deleteIfExists(path);
      Files.deleteIfExists(folder);
    }
  }

  private void initialize(String plugin) throws IOException {
    put(
        ("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocol\":1,"
                + "\"plugin\":{\"id\":\"plugin_echo\",\"name\":\"echo\",\"version\":\"1.0.0\"},"
                + "\"entry\":{\"main\":\"main.py\",\"class\":\"Echo\"},\"paths\":[\""
                + plugin
                + "\"],\"limits\":{\"max_context_bytes\":1048576,\"max_result_bytes\":1048576},\"config\":{}}}")
            .getBytes(StandardCharsets.UTF_8));
    flush();
    while (answers() == 0) {}
  }

  /** Keeps so many calls in flight for so long. */
  private String measure(int inFlight, double seconds) throws IOException {
    long start = System.nanoTime();
    long end = start + (long) (seconds * 1e9);
    long[] nanos = new long[1 << 20];
    long calls = 0;
    int open = 0;
    long now = start;
    while (open < inFlight) {
      call();
      open++;
    }
    flush();
    while (open > 0) {
      int got = answers();
      calls += got;
      open -= got;
      long before = now;
      now = System.nanoTime();
      if (inFlight == 1) {
        nanos[(int) ((calls - 1) % nanos.length)] = now - before;
      }
      for (; now < end && open < inFlight; open++) {
        call();
      }
      flush();
    }
    long[] taken = Arrays.copyOf(nanos, (int) Math.min(calls, nanos.length));
    Arrays.sort(taken);
    return calls + " " + (now - start) / 1e9 + " " + taken[taken.length / 2] / 1e3;
  }

  private void call() {
    byte[] head =
        ("{\"jsonrpc\":\"2.0\",\"id\":" + id++ + ",\"method\":\"execute\",\"params\":{\"context\":")
            .getBytes(StandardCharsets.ISO_8859_1);
    out.putInt(head.length + context.length + 2);
    out.put(head).put(context).put((byte) '}').put((byte) '}');
  }

  private void put(byte[] frame) {
    out.putInt(frame.length).put(frame);
  }

  private void flush() throws IOException {
    out.flip();
    while (out.hasRemaining()) {
      socket.write(out);
    }
    out.clear();
  }

  /** Reads what is there, waiting when nothing is, and counts the answers; log records are none. */
  private int answers() throws IOException {
    if (socket.read(in) < 0) {
      throw new IOException("the worker ended");
    }
    in.flip();
    int count = 0;
    while (in.remaining() >= 4 && in.remaining() >= 4 + in.getInt(in.position())) {
      int length = in.getInt();
      int start = in.position();
      // Answers begin {"jsonrpc":"2.0","id": and notifications {"jsonrpc":"2.0","method":
      if (in.get(start + 18) == 'i') {
        count++;
        int at = start + 22;
        while (in.get(at) != ',') {
          at++;
        }
        if (in.get(at + 2) != 'r') {
          byte[] answer = new byte[length];
          in.get(start, answer);
          throw new IOException("no result: " + new String(answer, StandardCharsets.UTF_8));
        }
      }
      in.position(start + length);
    }
    in.compact();
    return count;
  }
}
