package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.cli.RestClient.Body;
import java.io.FileNotFoundException;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A form with a file in it (RFC 7578), read from disk as it is sent. */
final class Upload {
  private Upload() {}

  /**
   * The form {@code POST /api/plugins/install} takes.
   *
   * @param settings the operator's settings, a JSON object; null for none
   */
  static Body form(Path archive, @Nullable String settings) {
    byte[] random = new byte[16];
    new SecureRandom().nextBytes(random);
    String boundary = "berth-" + HexFormat.of().formatHex(random);
    List<BodyPublisher> parts = new ArrayList<>();
    if (settings != null) {
      parts.add(
          text(
              "--%s\r\nContent-Disposition: form-data; name=\"config\"\r\nContent-Type: application/json\r\n\r\n%s\r\n"
                  .formatted(boundary, settings)));
    }
    parts.add(
        text(
            "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                .formatted(boundary, fileName(archive))));
    try {
      parts.add(BodyPublishers.ofFile(archive));
    } catch (FileNotFoundException _) {
      throw ExitCode.NOT_FOUND.failure(ErrorCode.NOT_FOUND, "There is no file " + archive + ".");
    }
    parts.add(text("\r\n--" + boundary + "--\r\n"));
    return new Body(
        "multipart/form-data; boundary=" + boundary,
        BodyPublishers.concat(parts.toArray(BodyPublisher[]::new)));
  }

  /** The file's name, percent-encoding what would end the field (RFC 7578, 4.2, as browsers do). */
  private static String fileName(Path archive) {
    return String.valueOf(archive.getFileName())
        .replace("\"", "%22")
        .replace("\r", "%0D")
        .replace("\n", "%0A");
  }

  private static BodyPublisher text(String text) {
    return BodyPublishers.ofByteArray(text.getBytes(StandardCharsets.UTF_8));
  }
}
