package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Map;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.MultiPart;
import org.eclipse.jetty.io.Content;
import org.jspecify.annotations.Nullable;

/**
 * The parts of an upload as the parser finds them: {@code file}, which goes to disk as it comes,
 * and {@code config}. The parser swallows what a listener throws, so the first thing wrong is kept
 * and asked for after each piece.
 */
final class UploadParts extends MultiPart.AbstractPartsListener {
  private static final int MAX_NAME = 255;

  private final WritableByteChannel file;
  private final Path folder;
  private final long maxFile;
  private final int maxConfig;
  private @Nullable PluginException failure;
  private boolean begun;
  private boolean complete;
  private long fileBytes;
  private @Nullable String fileName;
  private @Nullable ByteArrayOutputStream config;

  UploadParts(WritableByteChannel file, Path folder, long maxFile, int maxConfig) {
    this.file = file;
    this.folder = folder;
    this.maxFile = maxFile;
    this.maxConfig = maxConfig;
  }

  /** Throws what was wrong so far. */
  void check() {
    if (failure != null) {
      throw failure;
    }
  }

  boolean isComplete() {
    return complete;
  }

  /** The client's name for the file. */
  String fileName() {
    if (fileName == null) {
      throw malformed("there is no part named 'file'; send it as -F file=@plugin.tar.gz");
    }
    return fileName;
  }

  @Nullable Json config() {
    if (config == null) {
      return null;
    }
    byte[] bytes = config.toByteArray();
    Json json = Json.of(bytes, 0, bytes.length);
    var _ = JsonText.readObject(json);
    return json;
  }

  @Override
  public void onPartHeaders() {
    begun = false;
    try {
      begin(getName(), getFileName());
    } catch (PluginException e) {
      fail(e);
    }
  }

  private void begin(@Nullable String name, @Nullable String givenName) {
    begun = true;
    if ("file".equals(name)) {
      if (fileName != null) {
        throw malformed("there are two parts named 'file'");
      }
      fileName = checkedName(givenName == null ? "" : givenName);
    } else if ("config".equals(name)) {
      if (config != null) {
        throw malformed("there are two parts named 'config'");
      }
      config = new ByteArrayOutputStream();
    } else if (name == null) {
      throw malformed("a part has no name");
    } else {
      throw new PluginException(
          ErrorCode.UNKNOWN_FIELD,
          "There is no part '"
              + Text.printable(name, 80)
              + "' here; 'file' is the archive and 'config' its settings.",
          Map.of("field", Text.printable(name, 80), "known", java.util.List.of("file", "config")),
          null);
    }
  }

  private static String checkedName(String name) {
    boolean plain =
        name.length() <= MAX_NAME
            && name.chars().noneMatch(c -> c == '/' || c == '\\' || c < ' ' || c == 0x7f)
            && !name.equals(".")
            && !name.equals("..");
    if (!plain) {
      throw malformed("'" + Text.printable(name, 80) + "' is not a plain file name");
    }
    return name;
  }

  @Override
  public void onPartContent(Content.Chunk chunk) {
    if (failure != null || !begun) {
      return;
    }
    ByteBuffer bytes = chunk.getByteBuffer();
    try {
      if ("file".equals(getName())) {
        fileBytes += bytes.remaining();
        if (fileBytes > maxFile) {
          throw Bodies.tooLarge(-1, maxFile);
        }
        while (bytes.hasRemaining()) {
          file.write(bytes);
        }
      } else if (config != null) {
        if (config.size() + bytes.remaining() > maxConfig) {
          throw Bodies.tooLarge(-1, maxConfig);
        }
        while (bytes.hasRemaining()) {
          config.write(bytes.get());
        }
      }
    } catch (PluginException e) {
      fail(e);
    } catch (IOException e) {
      fail(Uploads.notWritten(folder, e));
    }
  }

  /** All is done as the content comes. */
  @Override
  public void onPart(
      @Nullable String name, @Nullable String givenName, @Nullable HttpFields headers) {}

  @Override
  public void onComplete() {
    complete = true;
  }

  @Override
  public void onFailure(Throwable cause) {
    fail(
        cause instanceof java.io.EOFException
            ? BodyReader.incomplete(cause)
            : malformed(Text.printable(String.valueOf(cause.getMessage()), 200)));
  }

  private void fail(PluginException why) {
    if (failure == null) {
      failure = why;
    }
  }

  static PluginException malformed(String what) {
    return new PluginException(
        ErrorCode.MULTIPART_MALFORMED, "The multipart body is malformed: " + what + ".");
  }
}
