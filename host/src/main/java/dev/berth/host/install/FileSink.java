package dev.berth.host.install;

import dev.berth.api.Sha256;
import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Writes one unpacked file, counting and digesting what goes through. */
final class FileSink extends OutputStream {
  private final Unpacking unpacking;
  private final byte[] rawName;
  private final OutputStream out;
  private final @Nullable String path;
  private final MessageDigest digest = Sha256.digest();
  private long size;

  /**
   * @param path where it belongs in the package; null when it is counted but not kept
   */
  FileSink(Unpacking unpacking, byte[] rawName, OutputStream out, @Nullable String path) {
    this.unpacking = unpacking;
    this.rawName = rawName;
    this.out = out;
    this.path = path;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    size += length;
    unpacking.countBytes(rawName, size, length);
    digest.update(bytes, offset, length);
    out.write(bytes, offset, length);
  }

  /** The file is whole. Without this it doesn't count as part of the package. */
  void finish() throws IOException {
    out.close();
    if (path != null) {
      unpacking.done(path, new PackedFile(size, HexFormat.of().formatHex(digest.digest())));
    }
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
