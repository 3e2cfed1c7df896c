package dev.berth.sandbox;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** What a plugin's folder holds besides bytes. */
public final class DataVolume {
  // s_inodes_count, the first member of an ext4 file system's superblock, which begins at byte
  // 1024.
  private static final long INODES_AT = 1024;

  // Its whole, and what of it is its fields' places; see struct ext4_super_block of linux/fs/ext4.
  private static final long SUPERBLOCK_AT = 1024;
  private static final int SUPERBLOCK_BYTES = 1024;
  private static final int BLOCKS = 0x4;
  private static final int FREE_BLOCKS = 0xC;
  private static final int LOG_BLOCK_SIZE = 0x18;
  private static final int MAGIC = 0x38;
  private static final int OVERHEAD = 0x248;
  private static final short EXT4 = (short) 0xEF53;

  private DataVolume() {}

  /**
   * What the files in the folder {@code data} take, in bytes, as it was when its file system was
   * last unmounted, some 10 s after its last worker; 0 when the folder is a plain one, or before
   * its first worker. Reads one block, whatever there is in it.
   */
  public static long used(Path data) {
    var block = ByteBuffer.allocate(SUPERBLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try (var image =
        FileChannel.open(
            data.resolve(VolumeImages.IMAGE), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      if (image.read(block, SUPERBLOCK_AT) < SUPERBLOCK_BYTES || block.getShort(MAGIC) != EXT4) {
        return 0;
      }
    } catch (IOException _) {
      return 0;
    }
    // What statfs(2) reckons for one that is mounted. The upper halves are for more than 16 TiB.
    long blocks =
        unsigned(block, BLOCKS) - unsigned(block, OVERHEAD) - unsigned(block, FREE_BLOCKS);
    return Math.max(0, blocks) << (10 + (block.getInt(LOG_BLOCK_SIZE) & 0xF));
  }

  private static long unsigned(ByteBuffer block, int at) {
    return Integer.toUnsignedLong(block.getInt(at));
  }

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
