package dev.berth.sandbox;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** What a plugin's folder holds besides bytes. */
public final class DataVolume {
  // s_inodes_count, the first member of an ext4 file system's superblock, which begins at byte
  // 1024.
  private static final long INODES_AT = 1024;

  private DataVolume() {}

  /**
   * How many files the file system of the folder {@code data} holds, its own few included; 0 when
   * the folder is a plain one, which has no limits of its own.
   */
  public static long files(Path data) {
    var count = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try (var image = FileChannel.open(data.resolve(VolumeImages.IMAGE))) {
      return image.read(count, INODES_AT) == Integer.BYTES
          ? Integer.toUnsignedLong(count.getInt(0))
          : 0;
    } catch (IOException _) {
      return 0;
    }
  }
}
