package dev.berth.host.manifest;

import dev.berth.api.Text;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code docker_image}: how images are named. */
final class ImageRules {
  private static final int MAX_LENGTH = 255;

  /** github.com/distribution/reference, regexp.go: a name, then a tag, a digest or both. */
  private static final Pattern IMAGE =
      Pattern.compile(
          "(?:(?:localhost|[a-zA-Z0-9-]+(?:\\.[a-zA-Z0-9-]+)+)(?::[0-9]{1,5})?/|[a-zA-Z0-9-]+:[0-9]{1,5}/)?"
              + "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
              + "(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?");

  private ImageRules() {}

  /** What is wrong with {@code image}; null when nothing is. */
  static @Nullable String problem(String image) {
    if (image.length() <= MAX_LENGTH && IMAGE.matcher(image).matches()) {
      return null;
    }
    return "expected an image such as python:3.12-slim or ghcr.io/you/plugin@sha256:..., got \""
        + Text.printable(image, 60)
        + "\"";
  }
}
