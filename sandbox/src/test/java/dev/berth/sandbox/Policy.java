package dev.berth.sandbox;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The list of refused system calls, protocol/seccomp.json. */
final class Policy {
  static final String MACHINE =
      System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");

  private Policy() {}

  static JsonNode read() {
    try (InputStream in =
        Policy.class.getResourceAsStream("/dev/berth/sandbox/python/berth_runtime/seccomp.json")) {
      return JsonMapper.builder().build().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static int number(String call) {
    return read().path("numbers").path(MACHINE).path(call).asInt(-1);
  }
}
