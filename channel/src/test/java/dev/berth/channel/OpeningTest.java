package dev.berth.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A conversation begins before its loop has come to it. */
class OpeningTest {
  @TempDir Path folder;

  /** Has not come to any socket yet. */
  private static final class LateLoop implements ChannelLoop {
    @Override
    public Registration add(SocketChannel socket, Handler handler, Consumer<Registration> attach) {
      Registration registration =
          new Registration() {
            @Override
            public void wantWrite() {}

            @Override
            public void wakeAt(long nanoTime) {}

            @Override
            public void stopReading() {}

            @Override
            public void startReading() {}

            @Override
            public void execute(Runnable task) {}

            @Override
            public boolean inLoop() {
              return false;
            }

            @Override
            public void close() {}
          };
      attach.accept(registration);
      return registration;
    }

    @Override
    public void close() {}
  }

  @Test
  void whatIsSentBeforeTheLoopComesHoldsNobody() throws IOException {
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        var loop = new LateLoop()) {
      server.bind(UnixDomainSocketAddress.of(folder.resolve("s")));
      try (SocketChannel deaf =
              SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("s")));
          SocketChannel socket = server.accept()) {
        assertThat(deaf.isConnected()).isTrue();
        WorkerChannel channel =
            WorkerChannels.open(
                socket,
                loop,
                RunningWorker.ID,
                "dice",
                ChannelLimits.DEFAULT,
                new RecordingListener());
        assertThat(channel).isNotNull();
        assertThat(socket.isBlocking()).isFalse();
      }
    }
  }
}
