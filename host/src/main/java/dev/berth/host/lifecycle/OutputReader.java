package dev.berth.host.lifecycle;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.LockSupport;

/**
 * Reads what a worker's processes write to file descriptors 1 and 2, and makes log records of its
 * lines. A line is cut at {@value #LINE_BYTES} bytes. It reads on however much comes, so that no
 * plugin waits for its log in ordinary use, but past {@value #BYTES_A_SECOND} bytes a second it
 * takes its time: a flood costs the flooder, not the host.
 */
final class OutputReader implements Runnable {
  static final int LINE_BYTES = 8 << 10;
  private static final int BYTES_A_SECOND = 16 << 20;

  private final SocketChannel output;
  private final PluginLog log;
  private final ByteBuffer chunk = ByteBuffer.allocate(32 << 10);
  private byte[] line = new byte[256];
  private int length;
  private boolean cut;

  OutputReader(SocketChannel output, PluginLog log) {
    this.output = output;
    this.log = log;
  }

  @Override
  public void run() {
    try (output) {
      long second = System.nanoTime();
      long taken = 0;
      while (output.read(chunk.clear()) >= 0) {
        chunk.flip();
        taken += chunk.remaining();
        split();
        long now = System.nanoTime();
        if (now - second > 1_000_000_000L) {
          second = now;
          taken = 0;
        } else if (taken > BYTES_A_SECOND) {
          LockSupport.parkNanos(second + 1_000_000_000L - now);
        }
      }
    } catch (IOException _) {
      // The worker is gone, or the host has closed the socket: the end either way.
    }
    endLine();
  }

  private void split() {
    // A secret that begins before the cut is read whole, so that it can be blotted out.
    int most = LINE_BYTES + 4 * log.redactor().longest();
    while (chunk.hasRemaining()) {
      byte next = chunk.get();
      if (next == '\n') {
        endLine();
      } else if (length < most) {
        if (length == line.length) {
          line = java.util.Arrays.copyOf(line, Math.min(most, 2 * length));
        }
        line[length++] = next;
      } else {
        cut = true;
      }
    }
  }

  private void endLine() {
    if (length > 0) {
      String text = new String(line, 0, length, StandardCharsets.UTF_8);
      if (text.endsWith("\r")) {
        text = text.substring(0, text.length() - 1);
      }
      if (cut || length > LINE_BYTES) {
        text = log.redactor().redact(text);
        text = text.substring(0, Math.min(LINE_BYTES, text.length())) + " [line cut]";
      }
      log.fromPlugin(System.currentTimeMillis(), "INFO", "stdout", "", text);
    }
    length = 0;
    cut = false;
  }
}
