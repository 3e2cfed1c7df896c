package dev.berth.host.install;

/** A file or folder in a ZIP, as its directory describes it. */
final class ZipEntry {
  static final int STORED = 0;
  static final int DEFLATED = 8;

  private final byte[] name;
  private final int flags;
  private final int method;
  private final long crc;
  private final long packed;
  private final long size;
  private final long headerStart;
  private final long dataStart;

  /**
   * @param packed bytes of data in the file
   * @param size bytes that come out of it
   * @param headerStart where in the file its local header begins
   * @param dataStart where its data does; 0 when not known yet
   */
  ZipEntry(
      byte[] name,
      int flags,
      int method,
      long crc,
      long packed,
      long size,
      long headerStart,
      long dataStart) {
    this.name = name;
    this.flags = flags;
    this.method = method;
    this.crc = crc;
    this.packed = packed;
    this.size = size;
    this.headerStart = headerStart;
    this.dataStart = dataStart;
  }

  ZipEntry withDataStart(long start) {
    return new ZipEntry(name, flags, method, crc, packed, size, headerStart, start);
  }

  byte[] name() {
    return name;
  }

  boolean isFolder() {
    return name.length > 0 && name[name.length - 1] == '/';
  }

  int flags() {
    return flags;
  }

  int method() {
    return method;
  }

  long crc() {
    return crc;
  }

  long packed() {
    return packed;
  }

  long size() {
    return size;
  }

  long headerStart() {
    return headerStart;
  }

  long dataStart() {
    return dataStart;
  }
}
