package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** A plugin that takes all it can get: of its own sandbox's memory, and of the host's. */
@Timeout(240)
@RootOnly("without root some limits can't be had")
final class HoarderTest {
  private static final int LIMIT_MIB = 160;

  /** A child that the kernel has killed may be counted while it is still dying. */
  private static final int DYING_MIB = 81;

  @TempDir Path folder;

  private static final Pattern LIVE = Pattern.compile("TCP: inuse (\\d+)");

  private RunningBerth open(Kinds kind) {
    return new RunningBerth(folder.resolve("data"), kind.hosting());
  }

  private String hoarder(RunningBerth berth) {
    return berth.running(Pack.tar(Fixtures.plugin("hoarder"), folder));
  }

  private static void stillWorks(RunningBerth berth, String id) {
    Answer answer = berth.execute(id, "{\"do\":\"nothing\"}");
    if (answer.status() == 503) { // given up after so many crashes in a row
      assertThat(answer.code()).as(answer.body()).isEqualTo("plugin_failed");
      assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
      answer = berth.execute(id, "{\"do\":\"nothing\"}");
    }
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
  }

  @ParameterizedTest(name = "RUN-03 memory by every road is charged to one limit, {0}")
  @EnumSource(Kinds.class)
  void RUN_03(Kinds kind) {
    LeftBehind left;
    try (var berth = open(kind)) {
      String id = hoarder(berth);
      left = LeftBehind.watch(berth);
      left.takesAsUsual();
      for (String road :
          List.of(
              "children",
              "memfd",
              "shared_mapping",
              "dev_shm",
              "sysv",
              "pipes",
              "sockets",
              "datagrams",
              "messages_queued",
              "names")) {
        Answer answer = berth.execute(id, "{\"do\":\"" + road + "\"}");
        if (answer.status() == 200) {
          JsonNode result = answer.json().path("result");
          assertThat(result.path("mib").asDouble())
              .as(road + ": " + answer.body())
              .isLessThan(LIMIT_MIB + (road.equals("children") ? DYING_MIB : 0));
          assertThat(result.path("refused").asString()).as(road).isNotEmpty();
        } else {
          assertThat(answer.code())
              .as(road + ": " + answer.body())
              .isIn("plugin_crashed", "plugin_error");
        }
        stillWorks(berth, id);
      }
      left.hostIsAsUsual();
      assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
      left.nothingOf(berth, id);
    }
    left.nothing();
  }

  @ParameterizedTest(name = "RUN-03 connections that nobody accepts are few, {0}")
  @EnumSource(Kinds.class)
  void unaccepted_connections(Kinds kind) throws IOException {
    try (var berth = open(kind)) {
      String id = hoarder(berth);
      Answer answer =
          berth.execute(id, "{\"do\":\"unaccepted_connections\",\"ports\":30,\"each\":400}");
      assertThat(answer.status()).as(answer.body()).isEqualTo(200);
      assertThat(answer.json().path("result").path("made").asInt()).isBetween(500, 2200);
      assertThat(mostSockets()).isBetween(500, 2300);
      stillWorks(berth, id);
    }
  }

  /** The most that any network but our own says of its TCP sockets (proc_net(5), sockstat). */
  private static int mostSockets() throws IOException {
    int most = 0;
    Object own = Files.readSymbolicLink(Path.of("/proc/self/ns/net"));
    try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path process : processes) {
        try {
          if (!Files.readSymbolicLink(process.resolve("ns/net")).equals(own)) {
            Matcher said = LIVE.matcher(Files.readString(process.resolve("net/sockstat")));
            most = Math.max(most, said.find() ? Integer.parseInt(said.group(1)) : 0);
          }
        } catch (IOException ended) {
          // It is no plugin's any more.
        }
      }
    }
    return most;
  }

  @ParameterizedTest(name = "RUN-15 results that are none, {0}")
  @EnumSource(Kinds.class)
  void RUN_15(Kinds kind) {
    try (var berth = open(kind)) {
      String id = hoarder(berth);
      LeftBehind left = LeftBehind.watch(berth);
      left.takesAsUsual();
      for (String bad :
          List.of("recursive", "nan", "infinite", "raw_bytes", "deep", "odd_keys", "an_object")) {
        refused(berth, id, "{\"do\":\"" + bad + "\"}", "plugin_bad_result");
      }
      refused(berth, id, "{\"do\":\"big_result\",\"mib\":32}", "plugin_result_too_large");
      Map<String, String> odd =
          Map.of(
              "surrogate", "half of a surrogate pair",
              "long_number", "a number of more than 100 characters",
              "wild_dict", "reading it raised KeyboardInterrupt");
      odd.forEach((what, why) -> {
        Answer answer = refused(berth, id, "{\"do\":\"" + what + "\"}", "plugin_bad_result");
        assertThat(answer.detail()).contains(why);
      });
      assertThat(berth.get("/api/plugins/" + id + "/stats").json().path("restarts").asInt())
          .as("none of this costs a worker")
          .isZero();
      left.hostIsAsUsual();
    }
  }

  @ParameterizedTest(name = "failures that are themselves attacks, {0}")
  @EnumSource(Kinds.class)
  void failures(Kinds kind) {
    try (var berth = open(kind)) {
      String id = hoarder(berth);
      LeftBehind left = LeftBehind.watch(berth);
      left.takesAsUsual();
      for (String bad :
          List.of(
              "long_message",
              "message_raises",
              "long_chain",
              "deep_stack",
              "exits",
              "interrupts",
              "group")) {
        Answer answer = refused(berth, id, "{\"do\":\"" + bad + "\"}", "plugin_error");
        assertThat(answer.body().length()).as(bad).isLessThan(64 << 10);
      }
      left.hostIsAsUsual();
    }
  }

  private static Answer refused(RunningBerth berth, String id, String context, String code) {
    Answer answer = berth.execute(id, context);
    assertThat(answer.status()).as(context + ": " + answer.body()).isEqualTo(502);
    assertThat(answer.code()).as(context + ": " + answer.body()).isEqualTo(code);
    stillWorks(berth, id);
    return answer;
  }

  @ParameterizedTest(name = "RUN-07 floods of everything that the host is told unasked, {0}")
  @EnumSource(Kinds.class)
  void floods(Kinds kind) throws IOException {
    try (var berth = open(kind)) {
      String id = hoarder(berth);
      LeftBehind left = LeftBehind.watch(berth);
      left.takesAsUsual();
      for (String flood :
          List.of(
              "{\"do\":\"progress_flood\",\"count\":10000}",
              "{\"do\":\"partial_flood\",\"count\":60}",
              "{\"do\":\"log_flood\",\"count\":10000}")) {
        Answer answer = berth.execute(id, flood);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
      }
      // A client that asks for events and reads none of them.
      try (Socket deaf = connect(berth)) {
        String body = "{\"context\":{\"do\":\"partial_flood\",\"count\":60}}";
        deaf.getOutputStream()
            .write(
                ("POST /api/plugins/"
                        + id
                        + "/execute HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                        + "Content-Type: application/json\r\nContent-Length: "
                        + body.length()
                        + "\r\n\r\n"
                        + body)
                    .getBytes(StandardCharsets.UTF_8));
        assertThat(deaf.getInputStream().read()).isEqualTo('H');
        for (int i = 0; i < 50; i++) {
          stillWorks(berth, id);
        }
        left.hostIsAsUsual();
      }
      stillWorks(berth, id);
      left.hostIsAsUsual();
    }
  }

  private static Socket connect(RunningBerth berth) throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), URI.create(berth.url()).getPort());
  }

  @ParameterizedTest(name = "CHN-06 nothing is heard of a plugin after it was disabled, {0}")
  @EnumSource(Kinds.class)
  void CHN_06(Kinds kind) {
    try (var berth = open(kind)) {
      String id = hoarder(berth);
      assertThat(berth.execute(id, "{\"do\":\"talks_on\"}").status()).isEqualTo(200);
      while (newest(berth, id).path("message").asString().isEmpty()
          || !newest(berth, id).path("message").asString().equals("still here")) {
        Thread.onSpinWait(); // it begins to talk
      }
      assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
      long last = newest(berth, id).path("sequence").asLong();
      assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
      stillWorks(berth, id);
      for (JsonNode record :
          berth.get("/api/plugins/" + id + "/logs?after=" + last).json().path("records")) {
        assertThat(record.path("message").asString()).isNotEqualTo("still here");
      }
    }
  }

  private static JsonNode newest(RunningBerth berth, String id) {
    JsonNode records = berth.get("/api/plugins/" + id + "/logs?limit=1").json().path("records");
    return records.isEmpty() ? records : records.get(records.size() - 1);
  }
}
