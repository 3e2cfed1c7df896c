package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/** Unpacks a ZIP whose {@link ZipDirectory} was found sound. */
final class ZipUnpacker {
  private final FileChannel file;
  private final Unpacking to;
  private final ByteBuffer packed = ByteBuffer.allocate(16 << 10);
  private final byte[] out = new byte[32 << 10];

  private ZipUnpacker(FileChannel file, Unpacking to) {
    this.file = file;
    this.to = to;
  }

  static void unpack(FileChannel file, Unpacking to) throws IOException {
    List<ZipEntry> entries = ZipDirectory.read(file, to);
    long size = 0;
    for (ZipEntry entry : entries) {
      size += entry.size();
    }
    if (size > to.limits().unpackedBytes()) {
      throw to.refuse(
          ErrorCode.ARCHIVE_TOO_LARGE,
          "it unpacks to more than " + Unpacking.size(to.limits().unpackedBytes()));
    }
    to.checkRatio(size, file.size());
    var unpacker = new ZipUnpacker(file, to);
    for (ZipEntry entry : entries) {
      unpacker.entry(entry);
    }
  }

  private void entry(ZipEntry entry) throws IOException {
    to.checkTime();
    if (entry.isFolder()) {
      to.folder(entry.name());
      if (entry.size() != 0 || entry.crc() != 0 || entry.packed() > 2) {
        throw to.refuse(ErrorCode.ARCHIVE_MALFORMED, entry.name(), "is a folder with a size");
      }
      return;
    }
    try (FileSink sink = to.file(entry.name(), entry.size())) {
      var crc = new CRC32();
      if (entry.method() == ZipEntry.STORED) {
        store(entry, sink, crc);
      } else {
        inflate(entry, sink, crc);
      }
      if (crc.getValue() != entry.crc()) {
        throw damaged(entry);
      }
      sink.finish();
    }
  }

  private void store(ZipEntry entry, FileSink sink, CRC32 crc) throws IOException {
    for (long at = 0; at < entry.packed(); ) {
      int n = fill(entry, at);
      crc.update(packed.array(), 0, n);
      sink.write(packed.array(), 0, n);
      at += n;
    }
  }

  private void inflate(ZipEntry entry, FileSink sink, CRC32 crc) throws IOException {
    try (var inflater = new Inflater(true)) {
      long at = 0;
      long size = 0;
      while (!inflater.finished()) {
        if (inflater.needsInput() && at < entry.packed()) {
          int n = fill(entry, at);
          inflater.setInput(packed.array(), 0, n);
          at += n;
        }
        int n = inflater.inflate(out);
        size += n;
        if (size > entry.size()) {
          throw to.refuse(
              ErrorCode.ARCHIVE_TOO_LARGE,
              entry.name(),
              "holds more bytes than it says (" + entry.size() + ")");
        }
        crc.update(out, 0, n);
        sink.write(out, 0, n);
        if (n == 0 && !inflater.finished() && at == entry.packed() && inflater.needsInput()) {
          throw damaged(entry);
        }
        if (inflater.needsDictionary()) {
          throw damaged(entry);
        }
      }
      if (size != entry.size() || inflater.getBytesRead() != entry.packed()) {
        throw damaged(entry);
      }
    } catch (DataFormatException e) {
      throw damaged(entry);
    }
  }

  private int fill(ZipEntry entry, long at) throws IOException {
    packed.clear().limit((int) Math.min(packed.capacity(), entry.packed() - at));
    int n = file.read(packed, entry.dataStart() + at);
    if (n <= 0) {
      throw damaged(entry);
    }
    return n;
  }

  private PluginException damaged(ZipEntry entry) {
    return to.refuse(
        ErrorCode.ARCHIVE_MALFORMED, entry.name(), "is damaged; pack or upload it again");
  }
}
