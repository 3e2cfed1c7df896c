package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * A gzip file of exactly one member, bounded while it is unpacked. The JDK's stream goes on with
 * further members and overlooks what follows the last; both are places to hide something in.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc1952">RFC 1952</a>
 */
final class GzipMember extends InputStream {
  private static final int HEADER_CRC = 2;
  private static final int EXTRA = 4;
  private static final int NAME = 8;
  private static final int COMMENT = 16;
  private static final int RESERVED = 0xe0;

  private final InputStream in;
  private final Unpacking unpacking;
  private final long files;
  private final long headers;
  private final Inflater inflater = new Inflater(true);
  private final CRC32 crc = new CRC32();
  private final byte[] buffer = new byte[16 << 10];
  private int filled;
  private boolean ended;

  /**
   * @param headers bytes it may unpack to beside what its files hold
   */
  GzipMember(InputStream in, Unpacking unpacking, long headers) throws IOException {
    this.in = in;
    this.unpacking = unpacking;
    this.files = unpacking.limits().unpackedBytes();
    this.headers = headers;
    readHeader();
  }

  private void readHeader() throws IOException {
    int[] head = new int[10];
    for (int i = 0; i < head.length; i++) {
      head[i] = next();
    }
    int flags = head[3];
    if (head[0] != 0x1f || head[1] != 0x8b || head[2] != 8 || (flags & RESERVED) != 0) {
      throw malformed("its gzip header is damaged");
    }
    if ((flags & EXTRA) != 0) {
      for (int left = next() | next() << 8; left > 0; left--) {
        next();
      }
    }
    skipText(flags & NAME);
    skipText(flags & COMMENT);
    if ((flags & HEADER_CRC) != 0) {
      next();
      next();
    }
  }

  private void skipText(int flag) throws IOException {
    if (flag == 0) {
      return;
    }
    for (int length = 0; next() != 0; length++) {
      if (length > 4096) {
        throw malformed("its gzip header is damaged");
      }
    }
  }

  private int next() throws IOException {
    int b = in.read();
    if (b < 0) {
      throw malformed("it is cut short; upload it again");
    }
    return b;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (ended || length == 0) {
      return ended ? -1 : 0;
    }
    try {
      int count = inflater.inflate(target, offset, length);
      while (count == 0 && !inflater.finished()) {
        if (inflater.needsDictionary()) {
          throw malformed("its gzip data is damaged");
        }
        fill();
        count = inflater.inflate(target, offset, length);
      }
      crc.update(target, offset, count);
      checkBounds();
      if (count == 0) {
        readTrailer();
        ended = true;
        return -1;
      }
      return count;
    } catch (DataFormatException e) {
      throw malformed("its gzip data is damaged");
    }
  }

  private void fill() throws IOException {
    int read = in.read(buffer, 0, buffer.length);
    if (read < 0) {
      throw malformed("it is cut short; upload it again");
    }
    filled = read;
    inflater.setInput(buffer, 0, read);
    unpacking.checkTime();
  }

  private void checkBounds() {
    long out = inflater.getBytesWritten();
    if (out > files + headers) {
      throw unpacking.refuse(
          ErrorCode.ARCHIVE_TOO_LARGE, "it unpacks to more than " + Unpacking.size(files));
    }
    // Headers pack far better than files do, in honest archives too.
    unpacking.checkRatio(out - headers, inflater.getBytesRead());
  }

  private void readTrailer() throws IOException {
    int left = inflater.getRemaining();
    long[] trailer = new long[2];
    for (int i = 0; i < 8; i++) {
      int b = i < left ? inflaterRest(left, i) : next();
      trailer[i / 4] |= (long) b << (8 * (i % 4));
    }
    if (trailer[0] != crc.getValue() || trailer[1] != (inflater.getBytesWritten() & 0xffffffffL)) {
      throw malformed("its checksum doesn't fit; upload it again");
    }
    if (left > 8 || in.read() >= 0) {
      throw malformed("there is more after the end of its gzip data");
    }
  }

  /** The {@code i}th byte that was read ahead of the end of the compressed data. */
  private int inflaterRest(int left, int i) {
    return buffer[filled - left + i] & 0xff;
  }

  private PluginException malformed(String why) {
    return unpacking.refuse(ErrorCode.ARCHIVE_MALFORMED, why);
  }

  @Override
  public void close() throws IOException {
    inflater.end();
    in.close();
  }
}
