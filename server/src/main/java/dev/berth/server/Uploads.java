package dev.berth.server;

import dev.berth.api.DiskFull;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.eclipse.jetty.http.MultiPart;
import org.eclipse.jetty.io.Content;
import org.jspecify.annotations.Nullable;

/** Takes {@code multipart/form-data} uploads (RFC 7578) to disk, piece by piece. */
final class Uploads {
  private static final String SUFFIX = ".upload";
  private static final int MAX_PARTS = 8;
  private static final int MAX_PART_HEADERS = 8 << 10;
  private static final int MAX_OVERHEAD = 64 << 10;
  private static final int MAX_BOUNDARY = 70; // RFC 2046, 5.1.1

  private final ServerSettings settings;
  private final UploadRoom room;

  Uploads(ServerSettings settings) {
    this.settings = settings;
    this.room = new UploadRoom(settings);
  }

  /** The longest body an upload may be. */
  static long bodyLimit(ServerSettings settings) {
    return settings.maxUploadBytes() + MAX_OVERHEAD;
  }

  /** Makes the folder, and removes what an end without warning may have left in it. */
  void prepare() {
    try {
      Files.createDirectories(settings.uploads());
      try (Stream<Path> left = Files.list(settings.uploads())) {
        left.filter(file -> file.getFileName().toString().endsWith(SUFFIX))
            .forEach(Uploads::delete);
      }
    } catch (IOException | UncheckedIOException e) {
      throw new PluginException(
          ErrorCode.LISTEN_FAILED,
          "The folder for uploads, " + settings.uploads() + ", can't be used: " + e.getMessage(),
          e);
    }
  }

  private static void delete(Path file) {
    try {
      Files.delete(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether a request is an upload rather than JSON. */
  static boolean isMultipart(Context context) {
    String type = context.contentType();
    return type != null && type.toLowerCase(Locale.ROOT).startsWith("multipart/form-data");
  }

  /**
   * Takes one upload. Nothing is left of it when this fails.
   *
   * @throws PluginException {@code multipart_malformed}, {@code body_too_large}, {@code
   *     body_incomplete}, {@code request_timeout}, {@code disk_full}, {@code uploads_busy}
   */
  Upload receive(Context context) {
    String boundary = boundary(context.contentType());
    Runnable taken = room.take(context.req().getContentLengthLong());
    Path file = settings.uploads().resolve(UUID.randomUUID() + SUFFIX);
    boolean kept = false;
    try (FileChannel out = open(file)) {
      var parts =
          new UploadParts(
              out, settings.uploads(), settings.maxUploadBytes(), settings.maxBodyBytes());
      var parser = new MultiPart.Parser(boundary, parts);
      parser.setMaxParts(MAX_PARTS);
      parser.setPartHeadersMaxLength(MAX_PART_HEADERS);
      copy(context, parser, parts);
      var upload = new Upload(file, parts.fileName(), parts.config(), taken);
      kept = true;
      return upload;
    } catch (IOException e) {
      throw notWritten(settings.uploads(), e);
    } finally {
      if (!kept) {
        deleteQuietly(file);
        taken.run();
      }
    }
  }

  private void copy(Context context, MultiPart.Parser parser, UploadParts parts) {
    var pace = new BodyPace(settings);
    long total = 0;
    byte[] buffer = new byte[32 << 10];
    InputStream in = context.bodyInputStream();
    while (true) {
      int count;
      try {
        count = in.read(buffer);
      } catch (IOException e) {
        throw Bodies.failure(e);
      }
      boolean last = count < 0;
      parser.parse(Content.Chunk.from(ByteBuffer.wrap(buffer, 0, Math.max(count, 0)), last));
      parts.check();
      if (last) {
        break;
      }
      total += count;
      if (total > bodyLimit(settings)) {
        throw Bodies.tooLarge(-1, bodyLimit(settings));
      }
      pace.check(total);
    }
    if (!parts.isComplete()) {
      throw BodyReader.incomplete(null);
    }
  }

  private static FileChannel open(Path file) throws IOException {
    return FileChannel.open(
        file,
        Set.copyOf(EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
  }

  private static String boundary(@Nullable String contentType) {
    String boundary = contentType == null ? null : MultiPart.extractBoundary(contentType);
    if (boundary == null || boundary.isEmpty() || boundary.length() > MAX_BOUNDARY) {
      throw UploadParts.malformed(
          "the Content-Type must name a boundary of 1 to " + MAX_BOUNDARY + " characters");
    }
    return boundary;
  }

  static PluginException notWritten(Path folder, IOException cause) {
    return DiskFull.is(cause)
        ? new PluginException(
            ErrorCode.DISK_FULL,
            "The disk of " + folder + " is full. Free some space and send it again.",
            cause)
        : new PluginException(
            ErrorCode.INTERNAL, "The upload could not be written: " + cause.getMessage(), cause);
  }

  private static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      org.slf4j.LoggerFactory.getLogger(Uploads.class)
          .warn("the rest of a failed upload stays at {}", file, e);
    }
  }
}
