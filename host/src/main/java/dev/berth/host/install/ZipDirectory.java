package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * What a ZIP says is in it, checked whole before anything is unpacked: the central directory and
 * the local headers agree in everything, and together with the data they cover the file byte by
 * byte, without a gap and without overlap. So every reader sees the same files in it, wherever it
 * begins to read (CVE-2025-54368), and no data is unpacked twice (Fifield, "A better zip bomb",
 * WOOT 2019).
 *
 * @see <a href="https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT">APPNOTE.TXT</a>
 */
final class ZipDirectory {
  private static final int LOCAL = 0x04034b50;
  private static final int CENTRAL = 0x02014b50;
  private static final int END = 0x06054b50;
  private static final int DESCRIPTOR = 0x08074b50;

  private static final int LOCAL_LENGTH = 30;
  private static final int CENTRAL_LENGTH = 46;
  private static final int END_LENGTH = 22;
  private static final int MAX_COMMENT = 0xffff;
  private static final int MAX_DIRECTORY = 4 << 20;

  private static final int ENCRYPTED = 1 | 1 << 6 | 1 << 13;
  private static final int STREAMED = 1 << 3;

  private static final int ZIP64_EXTRA = 0x0001;
  private static final int UNICODE_PATH_EXTRA = 0x7075;

  private static final int FILE_TYPE = 0xf000;
  private static final int FOLDER = 0x4000;
  private static final int PLAIN_FILE = 0x8000;
  private static final int LINK = 0xa000;

  private final FileChannel file;
  private final Unpacking to;
  private long directoryStart;

  private ZipDirectory(FileChannel file, Unpacking to) {
    this.file = file;
    this.to = to;
  }

  /** The entries, in the order their data has in the file. */
  static List<ZipEntry> read(FileChannel file, Unpacking to) throws IOException {
    return new ZipDirectory(file, to).entries();
  }

  private List<ZipEntry> entries() throws IOException {
    List<ZipEntry> entries = directory(end());
    entries.sort(Comparator.comparingLong(ZipEntry::headerStart));
    List<ByteBuffer> locals = new ArrayList<>();
    // Overlap first: what overlaps doesn't agree either, but the cause is what matters.
    for (int i = 0; i < entries.size(); i++) {
      ZipEntry entry = entries.get(i);
      long next = i + 1 < entries.size() ? entries.get(i + 1).headerStart() : directoryStart;
      locals.add(local(entry, next));
    }
    List<ZipEntry> checked = new ArrayList<>();
    long at = 0;
    for (int i = 0; i < entries.size(); i++) {
      if (entries.get(i).headerStart() != at) {
        throw malformed("it has bytes that belong to no entry");
      }
      ZipEntry entry = agree(entries.get(i), locals.get(i));
      checked.add(entry);
      at = afterData(entry);
    }
    if (at != directoryStart) {
      throw malformed("it has bytes that belong to no entry");
    }
    return checked;
  }

  /** The end record, which is the last thing in the file, its own comment included. */
  private ByteBuffer end() throws IOException {
    int length = (int) Math.min(file.size(), END_LENGTH + MAX_COMMENT);
    ByteBuffer tail = bytes(file.size() - length, length);
    int found = -1;
    for (int at = 0; at + END_LENGTH <= length; at++) {
      if (tail.getInt(at) == END) {
        if (found >= 0) {
          throw malformed("it has two ends");
        }
        // What isn't the last thing is data that looks like an end, such as a ZIP in this ZIP.
        found = at + END_LENGTH + u16(tail, at + 20) == length ? at : -1;
      }
    }
    if (found < 0) {
      throw malformed("it is cut short, or has more after its end; pack or upload it again");
    }
    long start = file.size() - length + found;
    ByteBuffer end = slice(tail, found, END_LENGTH);
    int count = u16(end, 10);
    if (count > to.limits().entries()) {
      throw to.tooMany();
    }
    if (u16(end, 4) != 0 || u16(end, 6) != 0 || u16(end, 8) != count) {
      throw malformed("it is one part of several");
    }
    long size = u32(end, 12);
    directoryStart = u32(end, 16);
    if (directoryStart + size != start || size > MAX_DIRECTORY) {
      throw malformed("its end record and its directory don't fit together");
    }
    if (count == 0) {
      throw malformed("there is nothing in it");
    }
    return end;
  }

  private List<ZipEntry> directory(ByteBuffer end) throws IOException {
    ByteBuffer directory = bytes(directoryStart, (int) u32(end, 12));
    List<ZipEntry> entries = new ArrayList<>();
    int at = 0;
    for (int i = u16(end, 10); i > 0; i--) {
      to.count();
      to.checkTime();
      if (at + CENTRAL_LENGTH > directory.limit() || directory.getInt(at) != CENTRAL) {
        throw malformed("its directory is damaged");
      }
      int nameLength = u16(directory, at + 28);
      int extraLength = u16(directory, at + 30);
      int next = at + CENTRAL_LENGTH + nameLength + extraLength + u16(directory, at + 32);
      if (next > directory.limit()) {
        throw malformed("its directory is damaged");
      }
      byte[] name = array(directory, at + CENTRAL_LENGTH, nameLength);
      checkExtra(name, array(directory, at + CENTRAL_LENGTH + nameLength, extraLength));
      ByteBuffer header = slice(directory, at, CENTRAL_LENGTH);
      checkType(name, header.getInt(38) >>> 16);
      if (u16(header, 34) != 0) {
        throw malformed("it is one part of several");
      }
      entries.add(
          new ZipEntry(
              name,
              u16(header, 8),
              u16(header, 10),
              u32(header, 16),
              u32(header, 20),
              u32(header, 24),
              u32(header, 42),
              0));
      at = next;
    }
    if (at != directory.limit()) {
      throw malformed("its directory is longer than its entries");
    }
    return entries;
  }

  private void checkType(byte[] name, int mode) {
    boolean slash = name.length > 0 && name[name.length - 1] == '/';
    switch (mode & FILE_TYPE) {
      case LINK ->
          throw to.refuse(
              ErrorCode.ARCHIVE_LINK_NOT_ALLOWED,
              name,
              "is a link; pack what it points to (zip without -y)");
      case 0 -> {}
      case FOLDER, PLAIN_FILE -> {
        if (((mode & FILE_TYPE) == FOLDER) != slash) {
          throw to.refuse(
              ErrorCode.ARCHIVE_MALFORMED, name, "is a folder by its name or mode, not by both");
        }
      }
      default ->
          throw to.refuse(
              ErrorCode.ARCHIVE_SPECIAL_FILE, name, "is a device or pipe; leave it out");
    }
  }

  /** The local header of {@code entry}, name and extra field included, all before {@code next}. */
  private ByteBuffer local(ZipEntry entry, long next) throws IOException {
    long start = entry.headerStart();
    if (start + LOCAL_LENGTH > directoryStart) {
      throw malformed("its directory points outside its data");
    }
    ByteBuffer fixed = bytes(start, LOCAL_LENGTH);
    if (fixed.getInt(0) != LOCAL) {
      throw malformed(
          start == 0 || next == directoryStart
              ? "its directory points to something else"
              : "its directory points into its data");
    }
    int length = LOCAL_LENGTH + u16(fixed, 26) + u16(fixed, 28);
    if (start + length + entry.packed() > next) {
      throw to.refuse(
          ErrorCode.ARCHIVE_OVERLAP, entry.name(), "overlaps another entry's data; pack it again");
    }
    return bytes(start, length);
  }

  /** {@code entry} with the place of its data, now that its local header says the same. */
  private ZipEntry agree(ZipEntry entry, ByteBuffer local) {
    int nameLength = u16(local, 26);
    byte[] name = array(local, LOCAL_LENGTH, nameLength);
    boolean streamed = (entry.flags() & STREAMED) != 0;
    boolean same =
        Arrays.equals(name, entry.name())
            && u16(local, 6) == entry.flags()
            && u16(local, 8) == entry.method()
            && (agrees(local, 14, entry.crc(), streamed)
                && agrees(local, 18, entry.packed(), streamed)
                && agrees(local, 22, entry.size(), streamed));
    if (!same) {
      throw to.refuse(
          ErrorCode.ARCHIVE_MALFORMED, entry.name(), "is described in two ways; pack it again");
    }
    checkExtra(name, array(local, LOCAL_LENGTH + nameLength, u16(local, 28)));
    if ((entry.flags() & ENCRYPTED) != 0) {
      throw to.refuse(
          ErrorCode.ARCHIVE_UNSUPPORTED, name, "is encrypted; pack it without a password");
    }
    if (entry.method() != ZipEntry.STORED && entry.method() != ZipEntry.DEFLATED) {
      throw to.refuse(
          ErrorCode.ARCHIVE_UNSUPPORTED,
          name,
          "is packed in a way that is not known; pack it with `zip -r`");
    }
    if (entry.method() == ZipEntry.STORED && entry.packed() != entry.size()) {
      throw to.refuse(ErrorCode.ARCHIVE_MALFORMED, name, "has two sizes");
    }
    return entry.withDataStart(entry.headerStart() + local.limit());
  }

  /** Streamed entries may leave a value out, but not give another. */
  private static boolean agrees(ByteBuffer local, int at, long value, boolean streamed) {
    long here = u32(local, at);
    return here == value || (streamed && here == 0);
  }

  /** Where an entry ends, its data descriptor included. */
  private long afterData(ZipEntry entry) throws IOException {
    long at = entry.dataStart() + entry.packed();
    if ((entry.flags() & STREAMED) == 0) {
      return at;
    }
    int length = (int) Math.min(16, directoryStart - at);
    ByteBuffer descriptor = bytes(at, length);
    int skip = length == 16 && descriptor.getInt(0) == DESCRIPTOR ? 4 : 0;
    boolean fits =
        length >= skip + 12
            && u32(descriptor, skip) == entry.crc()
            && u32(descriptor, skip + 4) == entry.packed()
            && u32(descriptor, skip + 8) == entry.size();
    if (!fits) {
      throw to.refuse(
          ErrorCode.ARCHIVE_MALFORMED, entry.name(), "is described in two ways; pack it again");
    }
    return at + skip + 12;
  }

  /** An extra field may not give an entry other sizes or another name than its header. */
  private void checkExtra(byte[] name, byte[] extra) {
    ByteBuffer fields = ByteBuffer.wrap(extra).order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    while (at + 4 <= extra.length) {
      int id = u16(fields, at);
      int length = u16(fields, at + 2);
      if (at + 4 + length > extra.length) {
        break;
      }
      if (id == ZIP64_EXTRA) {
        throw to.refuse(
            ErrorCode.ARCHIVE_MALFORMED,
            name,
            "is in ZIP64 form, which nothing of this size needs; pack it with `zip -r`");
      }
      if (id == UNICODE_PATH_EXTRA
          && (length < 5
              || !Arrays.equals(Arrays.copyOfRange(extra, at + 9, at + 4 + length), name))) {
        throw to.refuse(ErrorCode.ARCHIVE_MALFORMED, name, "has two names; pack it again");
      }
      at += 4 + length;
    }
  }

  private ByteBuffer bytes(long start, int length) throws IOException {
    if (start < 0 || length < 0 || start + length > file.size()) {
      throw malformed("its directory points outside of it");
    }
    ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (file.read(buffer, start + buffer.position()) < 0) {
        throw malformed("it is cut short");
      }
    }
    return buffer.flip();
  }

  private static ByteBuffer slice(ByteBuffer buffer, int start, int length) {
    return buffer.slice(start, length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] array(ByteBuffer buffer, int start, int length) {
    byte[] array = new byte[length];
    buffer.get(start, array);
    return array;
  }

  private static int u16(ByteBuffer buffer, int at) {
    return buffer.getShort(at) & 0xffff;
  }

  private static long u32(ByteBuffer buffer, int at) {
    return buffer.getInt(at) & 0xffffffffL;
  }

  private PluginException malformed(String why) {
    return to.refuse(ErrorCode.ARCHIVE_MALFORMED, why);
  }
}
