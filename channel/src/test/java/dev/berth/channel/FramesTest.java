package dev.berth.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Frames in and out, below the level of messages. */
class FramesTest {
  @TempDir Path folder;

  /** However the bytes are cut, the same frames come out. */
  @Test
  void framesAreFoundHoweverTheBytesAreCut() throws IOException {
    var random = new Random(11);
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(folder.resolve("s")));
      for (int round = 0; round < 200; round++) {
        var sent = new ArrayList<String>();
        ByteBuffer bytes = ByteBuffer.allocate(300_000);
        for (int i = 0; i < 20; i++) {
          int size = random.nextInt(5) == 0 ? random.nextInt(1, 12_000) : random.nextInt(1, 40);
          String body = Character.toString('a' + i).repeat(size);
          sent.add(body);
          bytes.putInt(size).put(body.getBytes(StandardCharsets.US_ASCII));
        }
        bytes.flip();
        var got = new ArrayList<String>();
        var inbound =
            new Inbound(
                (b, from, to, mayKeep) ->
                    got.add(new String(b, from, to - from, StandardCharsets.US_ASCII)),
                new Account(System::nanoTime));
        try (var peer = SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("s")));
            SocketChannel ours = server.accept()) {
          while (bytes.hasRemaining()) {
            int cut =
                Math.min(bytes.remaining(), random.nextBoolean() ? random.nextInt(1, 9) : 5_000);
            peer.write(bytes.slice(bytes.position(), cut));
            bytes.position(bytes.position() + cut);
            assertThat(inbound.read(ours)).isTrue();
          }
          peer.shutdownOutput();
          assertThat(inbound.read(ours)).isFalse();
        }
        assertThat(got).isEqualTo(sent);
      }
    }
  }

  @Test
  void numbersAndStrings() {
    var out = new FrameBuffer();
    for (long n : new long[] {0, 9, 10, 99, 100, 1234567890123L, Long.MAX_VALUE}) {
      out.number(n);
      out.ascii(" ");
    }
    out.string("a\"\\\b\f\n\r\t\u0001\u001f\u007f/ä🎲");
    assertThat(StandardCharsets.UTF_8.decode(out.toRead()).toString())
        .isEqualTo(
            "0 9 10 99 100 1234567890123 9223372036854775807 "
                + "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\u007f/ä🎲\"");
  }

  @Test
  void aBufferLetsGoOfWhatABurstNeeded() {
    var out = new FrameBuffer();
    out.string("x".repeat(1_000_000));
    assertThat(out.length()).isEqualTo(1_000_002);
    assertThat(out.toRead().capacity()).isGreaterThan(1_000_000);
    out.clear();
    assertThat(out.toRead().capacity()).isLessThan(10_000);
  }
}
