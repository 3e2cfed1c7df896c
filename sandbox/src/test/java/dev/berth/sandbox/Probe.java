package dev.berth.sandbox;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A running sandbox whose worker does what the test tells it to; see probe_worker.py. */
final class Probe implements AutoCloseable {
  private static final JsonMapper json = JsonMapper.builder().build();

  private final SandboxProcess process;

  Probe(SandboxProcess process) {
    this.process = process;
  }

  SandboxProcess process() {
    return process;
  }

  /** Runs Python in the sandbox and gives what it left in {@code out}. */
  JsonNode run(String... lines) {
    JsonNode answer = attempt(lines);
    if (!answer.has("ok")) {
      throw new AssertionError(answer.path("text").asString());
    }
    return answer.path("ok");
  }

  /** Runs Python that may raise; the whole answer. */
  JsonNode attempt(String... lines) {
    send(lines);
    return receive();
  }

  /** The next frame. */
  JsonNode receive() {
    byte[] head = read(4);
    return json.readTree(read(ByteBuffer.wrap(head).getInt()));
  }

  /** The name of the error number that a call of Python raised OSError with, or "no error". */
  String errnoOf(String expression) {
    return run(
            "import errno",
            "try:",
            "    " + expression,
            "    out = 'no error'",
            "except OSError as e:",
            "    out = errno.errorcode.get(e.errno, str(e.errno))")
        .asString();
  }

  /** The name of the error number of a raw system call, or "no error". */
  String errnoOfCall(String name, String... arguments) {
    int number = Policy.number(name);
    String passed =
        Arrays.stream(arguments)
            .map(a -> ", " + (a.startsWith("b'") ? a : "ctypes.c_long(" + a + ")"))
            .collect(Collectors.joining());
    return run(
            "import ctypes, errno",
            "libc = ctypes.CDLL(None, use_errno=True)",
            "r = libc.syscall(ctypes.c_long(" + number + ")" + passed + ")",
            "out = errno.errorcode[ctypes.get_errno()] if r < 0 else 'no error'")
        .asString();
  }

  /** Sends Python without waiting for an answer. */
  void send(String... lines) {
    byte[] code = String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
    ByteBuffer frame = ByteBuffer.allocate(4 + code.length).putInt(code.length).put(code).flip();
    try {
      while (frame.hasRemaining()) {
        process.channel().write(frame);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] read(int count) {
    ByteBuffer buffer = ByteBuffer.allocate(count);
    try {
      SocketChannel channel = process.channel();
      while (buffer.hasRemaining()) {
        if (channel.read(buffer) < 0) {
          throw new AssertionError("the worker ended: " + process.exited().join());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return buffer.array();
  }

  @Override
  public void close() {
    process.kill();
    process.exited().join();
    Rendezvous.close(process.channel());
    Rendezvous.close(process.output());
  }
}
