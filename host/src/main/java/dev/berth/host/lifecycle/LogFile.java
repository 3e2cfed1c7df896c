package dev.berth.host.lifecycle;

import dev.berth.api.LogRecord;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A plugin's log on disk: one JSON object a line, the newest in {@code <id>.ndjson}, those before
 * in {@code <id>.ndjson.1}, each of about {@value #ROTATE_AT} bytes at most. Not for use by several
 * threads at once.
 */
final class LogFile {
  static final int ROTATE_AT = 1 << 20;

  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private final Path current;
  private final Path previous;

  LogFile(Path current) {
    this.current = current;
    this.previous = current.resolveSibling(current.getFileName() + ".1");
  }

  /** The records on disk, oldest first. A line that a dying host left half written is left out. */
  List<LogRecord> read() throws IOException {
    var records = new ArrayList<LogRecord>();
    for (Path file : List.of(previous, current)) {
      try {
        for (String line :
            new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList()) {
          LogRecord record = parse(line);
          if (record != null) {
            records.add(record);
          }
        }
      } catch (NoSuchFileException _) {
        // It has not come to that yet.
      }
    }
    return records;
  }

  void append(List<LogRecord> records) throws IOException {
    var bytes = new ByteArrayOutputStream(256 * records.size());
    for (LogRecord record : records) {
      write(record, bytes);
      bytes.write('\n');
    }
    try (FileChannel file =
        FileChannel.open(
            current,
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      long end = file.size();
      // After a crash the last line may lack its end; what follows must not be glued to it.
      var last = ByteBuffer.allocate(1);
      if (end > 0 && file.read(last, end - 1) == 1 && last.get(0) != '\n') {
        end += file.write(ByteBuffer.wrap(new byte[] {'\n'}), end);
      }
      ByteBuffer rest = ByteBuffer.wrap(bytes.toByteArray());
      while (rest.hasRemaining()) {
        end += file.write(rest, end);
      }
      if (end < ROTATE_AT) {
        return;
      }
    }
    Files.move(current, previous, StandardCopyOption.REPLACE_EXISTING);
  }

  void delete() throws IOException {
    Files.deleteIfExists(current);
    Files.deleteIfExists(previous);
  }

  private static void write(LogRecord record, ByteArrayOutputStream into) {
    try (JsonGenerator json = MAPPER.createGenerator(into)) {
      json.writeStartObject();
      json.writeNumberProperty("sequence", record.sequence());
      json.writeStringProperty("time", record.time().toString());
      json.writeStringProperty("level", record.level());
      json.writeStringProperty("source", record.source());
      json.writeStringProperty("logger", record.logger());
      json.writeStringProperty("message", record.message());
      json.writeEndObject();
    }
  }

  private static @org.jspecify.annotations.Nullable LogRecord parse(String line) {
    try {
      JsonNode json = MAPPER.readTree(line);
      return new LogRecord(
          json.required("sequence").longValue(),
          Instant.parse(json.required("time").stringValue()),
          json.required("level").stringValue(),
          json.required("source").stringValue(),
          json.required("logger").stringValue(),
          json.required("message").stringValue());
    } catch (JacksonException | IllegalArgumentException | java.time.DateTimeException _) {
      return null;
    }
  }
}
