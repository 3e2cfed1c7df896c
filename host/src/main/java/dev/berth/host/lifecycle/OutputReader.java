package dev.berth.host.lifecycle;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/**
 * Reads what a worker's processes write to file descriptors 1 and 2, and makes log records of its
 * lines. A line is cut at {@value #LINE_BYTES} bytes. It reads on however much comes, so that no
 * plugin waits for its log in ordinary use, but past {@value #BYTES_A_SECOND} bytes a second it
 * takes its time, and what the log won't take is only looked through for line ends: a flood costs
 * the flooder, not the host.
 */
final class OutputReader implements Runnable {
  static final int LINE_BYTES = 8 << 10;
  private static final int BYTES_A_SECOND = 16 << 20;

  /** How far ahead of that rate a plugin may be. */
  private static final long AHEAD_NANOS = 50_000_000;

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
      long begun = System.nanoTime();
      long taken = 0;
      while (output.read(chunk.clear()) >= 0) {
        taken += chunk.position();
        split(chunk.array(), chunk.position());
        long now = System.nanoTime();
        long ahead = taken * 1_000_000_000L / BYTES_A_SECOND - (now - begun);
        if (ahead < 0) {
          begun = now;
          taken = 0;
        } else if (ahead > AHEAD_NANOS) {
          LockSupport.parkNanos(ahead);
        }
      }
    } catch (IOException _) {
      // The worker is gone, or the host has closed the socket: the end either way.
    }
    endLine();
  }

  private void split(byte[] bytes, int end) {
    // A secret that begins before the cut is read whole, so that it can be blotted out.
    int most = LINE_BYTES + 4 * log.redactor().longest();
    int at = 0;
    while (at < end) {
      int stop = at;
      while (stop < end && bytes[stop] != '\n') {
        stop++;
      }
      keep(bytes, at, stop - at, most);
      if (stop < end) {
        endLine();
      }
      at = stop + 1;
    }
  }

  private void keep(byte[] bytes, int from, int count, int most) {
    int kept = Math.min(count, Math.max(0, most - length));
    if (length + kept > line.length) {
      line = Arrays.copyOf(line, Math.min(most, Math.max(length + kept, 2 * line.length)));
    }
    System.arraycopy(bytes, from, line, length, kept);
    length += kept;
    cut |= kept < count;
  }

  private void endLine() {
    if (length > 0 && log.admits(length)) {
      String text = new String(line, 0, length, StandardCharsets.UTF_8);
      if (text.endsWith("\r")) {
        text = text.substring(0, text.length() - 1);
      }
      if (cut || length > LINE_BYTES) {
        text = log.redactor().redact(text);
        text = text.substring(0, Math.min(LINE_BYTES, text.length())) + " [line cut]";
      }
      log.put(System.currentTimeMillis(), "INFO", "stdout", "", text);
    }
    length = 0;
    cut = false;
  }
}
