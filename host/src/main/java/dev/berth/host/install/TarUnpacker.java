package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks a tar in one pass, as GNU, BSD and Python write it: ustar, GNU long names, pax headers.
 * There is one reader, so nothing is checked by one and unpacked by another that sees it
 * differently; whatever two readers could see differently is refused (CVE-2025-62518).
 */
final class TarUnpacker {
  private static final int MAX_METADATA = 1 << 20;
  private static final int MAX_LONG_NAME = 64 << 10;

  private final InputStream in;
  private final Unpacking to;
  private int metadata;

  /** What a header before it says about the next entry. */
  private byte @Nullable [] longName;

  private @Nullable PaxRecords pax;

  private TarUnpacker(InputStream in, Unpacking to) {
    this.in = in;
    this.to = to;
  }

  static void unpack(InputStream in, Unpacking to) throws IOException {
    new TarUnpacker(in, to).run();
  }

  private void run() throws IOException {
    boolean first = true;
    while (true) {
      to.checkTime();
      var header = new TarHeader(block(first));
      if (header.isZero()) {
        finish();
        return;
      }
      if (!header.checksumFits()) {
        throw malformed(
            first ? "its gzip data is no tar archive" : "it has a damaged entry; pack it again");
      }
      first = false;
      entry(header);
    }
  }

  private void entry(TarHeader header) throws IOException {
    long size = header.size();
    char type = header.type();
    if (size < 0) {
      throw to.refuse(ErrorCode.ARCHIVE_MALFORMED, header.name(), "has no sound size");
    }
    switch (type) {
      case 'x', 'X' -> {
        PaxRecords records = records(header, size);
        if (pax != null || longName != null) {
          throw malformed("it has two headers for one entry");
        }
        pax = records;
      }
      case 'g' -> {
        if (records(header, size).namesEntries()) {
          throw malformed("it has a header that names all entries alike");
        }
      }
      case 'L' -> {
        if (pax != null || longName != null) {
          throw malformed("it has two headers for one entry");
        }
        countMetadata();
        byte[] data = body(header, size, MAX_LONG_NAME);
        int end = data.length > 0 && data[data.length - 1] == 0 ? data.length - 1 : data.length;
        longName = Arrays.copyOf(data, end);
      }
      default -> member(header, type, size);
    }
  }

  private void member(TarHeader header, char type, long size) throws IOException {
    to.count();
    byte[] name = header.name();
    if (longName != null) {
      name = longName;
    }
    byte[] path = pax == null ? null : pax.path();
    if (path != null) {
      name = path;
    }
    if (pax != null && pax.contradicts(size)) {
      throw to.refuse(ErrorCode.ARCHIVE_MALFORMED, name, "has two sizes");
    }
    longName = null;
    pax = null;
    boolean slash = name.length > 0 && name[name.length - 1] == '/';
    switch (type) {
      case '1', '2', 'K' ->
          throw to.refuse(
              ErrorCode.ARCHIVE_LINK_NOT_ALLOWED,
              name,
              "is a link; pack what it points to (tar -h --hard-dereference)");
      case '3', '4', '6' ->
          throw to.refuse(
              ErrorCode.ARCHIVE_SPECIAL_FILE, name, "is a device or pipe; leave it out");
      case 'S' -> throw sparse(name);
      case '5' -> folder(name, size);
      case '0' -> file(name, size);
      case 0 -> {
        // Before POSIX, a slash at the end was what made a folder.
        if (slash) {
          folder(name, size);
        } else {
          file(name, size);
        }
      }
      default ->
          throw to.refuse(
              ErrorCode.ARCHIVE_SPECIAL_FILE, name, "is neither a file nor a folder; leave it out");
    }
  }

  private void folder(byte[] name, long size) {
    if (size != 0) {
      throw to.refuse(ErrorCode.ARCHIVE_MALFORMED, name, "is a folder with a size");
    }
    to.folder(name);
  }

  private void file(byte[] name, long size) throws IOException {
    try (FileSink sink = to.file(name, size)) {
      byte[] buffer = new byte[(int) Math.min(Math.max(size, 1), 32 << 10)];
      for (long left = size; left > 0; ) {
        int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (n < 0) {
          throw cutShort();
        }
        sink.write(buffer, 0, n);
        left -= n;
      }
      sink.finish();
    }
    skipPadding(size);
  }

  private PaxRecords records(TarHeader header, long size) throws IOException {
    countMetadata();
    PaxRecords records = PaxRecords.parse(body(header, size, MAX_METADATA));
    if (records == null) {
      throw malformed("it has a damaged pax header");
    }
    if (records.isSparse()) {
      throw sparse(header.name());
    }
    return records;
  }

  private PluginException sparse(byte[] name) {
    return to.refuse(
        ErrorCode.ARCHIVE_SPARSE, name, "is a sparse file; pack it whole (tar without -S)");
  }

  /** Headers about entries are no entries, but a flood of them is a flood. */
  private void countMetadata() {
    if (++metadata > 2 * to.limits().entries() + 16) {
      throw to.tooMany();
    }
  }

  private byte[] body(TarHeader header, long size, int most) throws IOException {
    if (size > most) {
      throw to.refuse(ErrorCode.ARCHIVE_MALFORMED, header.name(), "is a header that is too large");
    }
    byte[] data = in.readNBytes((int) size);
    if (data.length < size) {
      throw cutShort();
    }
    skipPadding(size);
    return data;
  }

  private void skipPadding(long size) throws IOException {
    int padding = (int) ((TarHeader.BLOCK - size % TarHeader.BLOCK) % TarHeader.BLOCK);
    if (in.readNBytes(padding).length < padding) {
      throw cutShort();
    }
  }

  private byte[] block(boolean first) throws IOException {
    byte[] block = in.readNBytes(TarHeader.BLOCK);
    if (block.length < TarHeader.BLOCK) {
      throw first ? malformed("its gzip data is no tar archive") : cutShort();
    }
    return block;
  }

  /** Two blocks of zeros end a tar. More zeros fill up its last record; anything else is hidden. */
  private void finish() throws IOException {
    if (pax != null || longName != null) {
      throw malformed("it ends in a header without its entry");
    }
    if (!new TarHeader(block(false)).isZero()) {
      throw malformed("there is more after its end");
    }
    byte[] rest = new byte[16 << 10];
    for (int n = in.read(rest); n >= 0; n = in.read(rest)) {
      for (int i = 0; i < n; i++) {
        if (rest[i] != 0) {
          throw malformed("there is more after its end");
        }
      }
    }
  }

  private PluginException cutShort() {
    return malformed("it is cut short; pack or upload it again");
  }

  private PluginException malformed(String why) {
    return to.refuse(ErrorCode.ARCHIVE_MALFORMED, why);
  }
}
