package dev.berth.channel;

import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import java.io.IOException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** A channel whose other end the test plays itself, byte by byte if it likes. */
final class HandmadePeer implements AutoCloseable {
  final RecordingListener listener = new RecordingListener();
  final WorkerChannel channel;
  final SocketChannel socket;

  HandmadePeer(ChannelLoop loop, Path folder, ChannelLimits limits) throws IOException {
    Path path = Files.createTempDirectory(folder, "p").resolve("s");
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      socket = SocketChannel.open(UnixDomainSocketAddress.of(path));
      channel =
          WorkerChannels.open(server.accept(), loop, RunningWorker.ID, "dice", limits, listener);
    }
    Files.delete(path);
    Files.delete(path.getParent());
  }

  CompletableFuture<ExecutionResult> call(String context) {
    return call(context, RunningWorker.LONG);
  }

  CompletableFuture<ExecutionResult> call(String context, Duration timeout) {
    return channel.execute(Json.of(context), timeout, ExecutionListener.NONE);
  }

  void send(String body) throws IOException {
    byte[] text = body.getBytes(StandardCharsets.UTF_8);
    sendRaw(ByteBuffer.allocate(4 + text.length).putInt(text.length).put(text).array());
  }

  void sendRaw(byte[] bytes) throws IOException {
    ByteBuffer out = ByteBuffer.wrap(bytes);
    while (out.hasRemaining()) {
      socket.write(out);
    }
  }

  void answer(long id, String value) throws IOException {
    send(
        "{\"jsonrpc\":\"2.0\",\"id\":"
            + id
            + ",\"result\":{\"success\":true,\"value\":"
            + value
            + "}}");
  }

  /** The next frame's body; null at the end of the stream. */
  String receive() throws IOException {
    ByteBuffer length = read(4);
    if (length == null) {
      return null;
    }
    return StandardCharsets.UTF_8.decode(read(length.getInt())).toString();
  }

  private ByteBuffer read(int size) throws IOException {
    ByteBuffer in = ByteBuffer.allocate(size);
    try {
      while (in.hasRemaining()) {
        if (socket.read(in) < 0) {
          return null;
        }
      }
    } catch (SocketException e) {
      return null; // the other end was closed before all that was sent to it had been read
    }
    return in.flip();
  }

  @Override
  public void close() throws IOException {
    channel.close();
    socket.close();
  }
}
