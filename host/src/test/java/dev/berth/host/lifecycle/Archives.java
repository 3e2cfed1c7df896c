package dev.berth.host.lifecycle;

import dev.berth.api.InstallSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Plugins written in tests, packed as an author packs them. */
final class Archives {
  private Archives() {}

  /** A plugin under way. */
  record Source(Map<String, String> files) {
    Source with(String name, String text) {
      var more = new LinkedHashMap<>(files);
      more.put(name, text);
      return new Source(more);
    }

    /** More lines for plugin.yaml. */
    Source manifest(String lines) {
      return with("plugin.yaml", files.get("plugin.yaml") + lines.stripIndent() + "\n");
    }

    InstallSource packed(Path folder) {
      try {
        Path archive = Files.createTempFile(folder, "plugin", ".zip");
        try (var zip = new ZipOutputStream(Files.newOutputStream(archive))) {
          zip.setMethod(ZipOutputStream.STORED);
          for (var file : files.entrySet()) {
            byte[] bytes = file.getValue().getBytes(StandardCharsets.UTF_8);
            var sum = new CRC32();
            sum.update(bytes);
            var entry = new ZipEntry("top/" + file.getKey());
            entry.setSize(bytes.length);
            entry.setCrc(sum.getValue());
            zip.putNextEntry(entry);
            zip.write(bytes);
          }
        }
        return new InstallSource.Archive(archive);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** A plugin of one file, whose class is {@code P}. */
  static Source plugin(String name, String version, String main) {
    var files = new LinkedHashMap<String, String>();
    files.put(
        "plugin.yaml", "name: " + name + "\nversion: " + version + "\nmain: main.py\nclass: P\n");
    files.put("main.py", main.stripIndent());
    return new Source(files);
  }

  /** One that answers with its version. */
  static Source echo(String name, String version) {
    return plugin(
        name,
        version,
        """
        class P:
            def __init__(self, config):
                self.config = config

            async def execute(self, context):
                return {"version": "%s", "context": context, "config": self.config}
        """
            .formatted(version));
  }
}
