package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * How much of the disk uploads take together: {@value #LARGEST} of the largest. Each has its
 * declared length of it, or that of the largest where it declares none, from before it is received
 * until its file is deleted. So small ones hardly ever meet, and many large ones wait for a moment
 * and are then refused.
 */
final class UploadRoom {
  static final int LARGEST = 4;
  private static final int UNIT = 1024;

  private final Semaphore free;
  private final int units;
  private final long most;
  private final long waitMillis;

  UploadRoom(ServerSettings settings) {
    this.most = settings.maxUploadBytes();
    this.units = units(LARGEST * most);
    this.free = new Semaphore(units, true);
    // Meanwhile nothing is read, and its connection must not count as idle.
    this.waitMillis = settings.idleTimeout().toMillis() / 4;
  }

  /**
   * Takes a part of it, waiting a moment where there isn't enough.
   *
   * @param length as declared, in bytes; negative when it was not
   * @return what gives it back, once
   * @throws PluginException {@code uploads_busy}
   */
  Runnable take(long length) {
    int wanted = Math.min(units, units(length < 0 ? most : length));
    try {
      if (free.tryAcquire(wanted, waitMillis, TimeUnit.MILLISECONDS)) {
        return () -> free.release(wanted);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    throw new PluginException(
        ErrorCode.UPLOADS_BUSY,
        "Uploads under way have taken the "
            + LARGEST * most
            + " bytes of disk that there are for them. Try again in a moment.");
  }

  private static int units(long bytes) {
    return (int) Math.min(Integer.MAX_VALUE, bytes / UNIT + 1);
  }
}
