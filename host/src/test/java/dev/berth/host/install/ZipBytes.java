package dev.berth.host.install;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Writes ZIPs byte by byte, the wrong ones too: every field can be set on its own. */
final class ZipBytes {
  /** One entry, once as the local header has it and once as the directory does. */
  static final class Entry {
    byte[] localName;
    byte[] centralName;
    int flags = 1 << 11;
    int method = 8;
    byte[] data;
    long crc;
    long localSize;
    long centralSize;
    long localPacked;
    long centralPacked;
    int attributes = 0100644 << 16;
    byte[] localExtra = {};
    byte[] centralExtra = {};
    byte[] after = {};
    long offset = -1;

    Entry sizes(long size) {
      localSize = size;
      centralSize = size;
      return this;
    }
  }

  private final List<Entry> entries = new ArrayList<>();
  byte[] prefix = {};
  byte[] beforeDirectory = {};
  byte[] beforeEnd = {};
  byte[] comment = {};
  byte[] suffix = {};
  int count = -1;

  ZipBytes file(String name, String content) {
    add(name, content.getBytes(StandardCharsets.UTF_8));
    return this;
  }

  Entry add(String name, byte[] content) {
    return add(name.getBytes(StandardCharsets.UTF_8), content);
  }

  Entry add(byte[] name, byte[] content) {
    var entry = new Entry();
    entry.localName = name;
    entry.centralName = name;
    entry.data = deflate(content);
    var crc = new CRC32();
    crc.update(content);
    entry.crc = crc.getValue();
    entry.sizes(content.length);
    entry.localPacked = entry.data.length;
    entry.centralPacked = entry.data.length;
    entries.add(entry);
    return entry;
  }

  static byte[] deflate(byte[] content) {
    try (var deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true)) {
      deflater.setInput(content);
      deflater.finish();
      var out = new ByteArrayOutputStream();
      byte[] buffer = new byte[8192];
      while (!deflater.finished()) {
        out.write(buffer, 0, deflater.deflate(buffer));
      }
      return out.toByteArray();
    }
  }

  byte[] zip() {
    var out = new ByteArrayOutputStream();
    out.writeBytes(prefix);
    List<Long> offsets = new ArrayList<>();
    for (Entry entry : entries) {
      offsets.add(entry.offset >= 0 ? entry.offset : out.size());
      if (entry.offset >= 0) {
        continue;
      }
      out.writeBytes(
          buffer(30)
              .putInt(0x04034b50)
              .putShort((short) 20)
              .putShort((short) entry.flags)
              .putShort((short) entry.method)
              .putInt(0)
              .putInt((int) entry.crc)
              .putInt((int) entry.localPacked)
              .putInt((int) entry.localSize)
              .putShort((short) entry.localName.length)
              .putShort((short) entry.localExtra.length)
              .array());
      out.writeBytes(entry.localName);
      out.writeBytes(entry.localExtra);
      out.writeBytes(entry.data);
      out.writeBytes(entry.after);
    }
    out.writeBytes(beforeDirectory);
    int start = out.size();
    for (int i = 0; i < entries.size(); i++) {
      Entry entry = entries.get(i);
      out.writeBytes(
          buffer(46)
              .putInt(0x02014b50)
              .putShort((short) (3 << 8 | 20))
              .putShort((short) 20)
              .putShort((short) entry.flags)
              .putShort((short) entry.method)
              .putInt(0)
              .putInt((int) entry.crc)
              .putInt((int) entry.centralPacked)
              .putInt((int) entry.centralSize)
              .putShort((short) entry.centralName.length)
              .putShort((short) entry.centralExtra.length)
              .putShort((short) 0)
              .putInt(0)
              .putShort((short) 0)
              .putInt(38, entry.attributes)
              .putInt(42, (int) (long) offsets.get(i))
              .array());
      out.writeBytes(entry.centralName);
      out.writeBytes(entry.centralExtra);
    }
    int size = out.size() - start;
    out.writeBytes(beforeEnd);
    int entryCount = count >= 0 ? count : entries.size();
    out.writeBytes(end(entryCount, size, start, comment.length));
    out.writeBytes(comment);
    out.writeBytes(suffix);
    return out.toByteArray();
  }

  static byte[] end(int count, int size, int start, int comment) {
    return buffer(22)
        .putInt(0x06054b50)
        .putInt(0)
        .putShort((short) count)
        .putShort((short) count)
        .putInt(size)
        .putInt(start)
        .putShort((short) comment)
        .array();
  }

  static ByteBuffer buffer(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }
}
