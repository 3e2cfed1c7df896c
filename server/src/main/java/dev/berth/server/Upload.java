package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallSource;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * An archive that has arrived whole; closing it deletes it.
 *
 * @param fileName as the client named it, without a folder
 * @param config the settings that came with it, a JSON object; null when none did
 * @param room gives back its part of the {@link UploadRoom}
 */
record Upload(Path file, String fileName, @Nullable Json config, Runnable room)
    implements AutoCloseable {
  InstallSource source() {
    return new InstallSource.Archive(file, fileName);
  }

  @Override
  public void close() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.INTERNAL, "The uploaded archive could not be deleted: " + e.getMessage(), e);
    } finally {
      room.run();
    }
  }
}
