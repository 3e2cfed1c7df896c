package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.ErrorGroup;
import dev.berth.api.WireName;
import dev.berth.host.store.AtomicFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A plugin's errors on disk, beside its log: one JSON object a line, replaced as a whole. They are
 * not in the registry's database, whose one writer no plugin must be able to keep busy. Not for use
 * by several threads at once.
 */
final class ErrorFile {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();
  private static final String FINGERPRINT = "[0-9a-f]{12}";

  private final Path file;

  ErrorFile(Path file) {
    this.file = file;
  }

  /** What is on disk, in its order. A line that makes no sense is left out. */
  List<ErrorGroup> read() throws IOException {
    var groups = new ArrayList<ErrorGroup>();
    try {
      for (String line :
          new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList()) {
        ErrorGroup group = parse(line);
        if (group != null) {
          groups.add(group);
        }
      }
    } catch (NoSuchFileException _) {
      // Nothing has gone wrong yet.
    }
    return groups;
  }

  void write(List<ErrorGroup> groups) throws IOException {
    var bytes = new ByteArrayOutputStream(1024 * groups.size());
    for (ErrorGroup group : groups) {
      write(group, bytes);
      bytes.write('\n');
    }
    AtomicFile.write(file, bytes.toByteArray());
  }

  void delete() throws IOException {
    AtomicFile.delete(file);
  }

  private static void write(ErrorGroup group, ByteArrayOutputStream into) {
    try (JsonGenerator json = MAPPER.createGenerator(into)) {
      json.writeStartObject();
      json.writeStringProperty("fingerprint", group.fingerprint());
      json.writeStringProperty("kind", group.kind().wireName());
      json.writeStringProperty("type", group.type());
      json.writeStringProperty("message", group.message());
      json.writeStringProperty("where", group.where());
      json.writeStringProperty("traceback", group.traceback());
      json.writeNumberProperty("count", group.count());
      json.writeStringProperty("first_at", group.firstAt().toString());
      json.writeStringProperty("last_at", group.lastAt().toString());
      json.writeStringProperty("version", group.version());
      json.writeEndObject();
    }
  }

  private static @Nullable ErrorGroup parse(String line) {
    try {
      JsonNode json = MAPPER.readTree(line);
      String fingerprint = json.required("fingerprint").stringValue();
      ErrorCode kind =
          WireName.find(ErrorCode.class, json.required("kind").stringValue()).orElse(null);
      if (kind == null || !fingerprint.matches(FINGERPRINT)) {
        return null;
      }
      return new ErrorGroup(
          fingerprint,
          kind,
          json.required("type").stringValue(),
          json.required("message").stringValue(),
          json.required("where").stringValue(),
          json.required("traceback").stringValue(),
          json.required("count").longValue(),
          Instant.parse(json.required("first_at").stringValue()),
          Instant.parse(json.required("last_at").stringValue()),
          json.required("version").stringValue());
    } catch (JacksonException | IllegalArgumentException | DateTimeException _) {
      return null;
    }
  }
}
