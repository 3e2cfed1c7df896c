package dev.berth.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Permission;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Holds docs/openapi.yaml, as it is served, to what the server does. */
class OpenApiTest {
  private ServerFixture berth;
  private JsonNode document;

  @BeforeEach
  void start() throws Exception {
    berth = ServerFixture.serving();
    HttpResponse<String> served = berth.get("/openapi.yaml");
    assertThat(served.headers().firstValue("content-type")).contains("application/yaml");
    Object yaml = new Load(LoadSettings.builder().build()).loadFromString(served.body());
    document = ServerFixture.MAPPER.valueToTree(yaml);
  }

  @AfterEach
  void stop() {
    berth.close();
  }

  @Test
  void hasEveryRouteAndNoOther() {
    var described = new ArrayList<String>();
    for (Map.Entry<String, JsonNode> path : document.get("paths").properties()) {
      for (String member : path.getValue().propertyNames()) {
        if (!member.equals("parameters")) {
          described.add(member.toUpperCase(java.util.Locale.ROOT) + " " + path.getKey());
        }
      }
    }

    assertThat(described).containsExactlyInAnyOrderElementsOf(berth.server.routeNames());
  }

  @Test
  void itsExamplesFitItsSchemas() {
    int checked = checkExamples(document, "");

    assertThat(checked).isGreaterThan(12);
  }

  private int checkExamples(JsonNode node, String where) {
    int checked = 0;
    if (node.isObject() && node.has("schema") && node.has("example")) {
      assertThat(errors(node.get("schema"), node.get("example"))).as(where).isEmpty();
      checked++;
    }
    if (node.isObject()) {
      for (Map.Entry<String, JsonNode> member : node.properties()) {
        checked += checkExamples(member.getValue(), where + "/" + member.getKey());
      }
    } else if (node.isArray()) {
      for (JsonNode item : node) {
        checked += checkExamples(item, where);
      }
    }
    return checked;
  }

  @Test
  void answersAreAsItSays() throws Exception {
    berth.service.log("hello");
    var keys = berth.keys.create(dev.berth.api.TenantId.DEFAULT, "first");

    check("get", "/api/plugins", berth.get("/api/plugins"));
    check("get", "/api/plugins/{id}", berth.get("/api/plugins/plugin_dice"));
    check("get", "/api/plugins/{id}/config", berth.get("/api/plugins/plugin_dice/config"));
    check("get", "/api/plugins/{id}/health", berth.get("/api/plugins/plugin_dice/health"));
    check("get", "/api/plugins/{id}/logs", berth.get("/api/plugins/plugin_dice/logs"));
    check("get", "/api/plugins/{id}/errors", berth.get("/api/plugins/plugin_dice/errors"));
    check("get", "/api/plugins/{id}/stats", berth.get("/api/plugins/plugin_dice/stats"));
    check("get", "/api/stats", berth.get("/api/stats"));
    check("get", "/api/isolation", berth.get("/api/isolation"));
    check("get", "/api/keys", berth.get("/api/keys"));
    check("get", "/health/live", berth.get("/health/live"));
    check("get", "/health/ready", berth.get("/health/ready"));
    check("post", "/api/keys", berth.post("/api/keys", "{\"name\":\"ci\"}"));
    check("post", "/api/plugins/{id}/execute", berth.execute("{\"context\":{\"a\":1}}"));
    check("post", "/api/plugins/{id}/disable", berth.post("/api/plugins/plugin_dice/disable", ""));
    check("post", "/api/plugins/{id}/enable", berth.post("/api/plugins/plugin_dice/enable", ""));
    check(
        "post",
        "/api/plugins/install",
        berth.send(
            berth.multipart("/api/plugins/install", ServerFixture.filePart("a.tar.gz", "x"))));
    check(
        "post",
        "/api/plugins/{id}/update",
        berth.send(
            berth.multipart(
                "/api/plugins/plugin_dice/update", ServerFixture.filePart("a.tar.gz", "x"))));
    check(
        "put",
        "/api/plugins/{id}/config",
        berth.send(
            berth
                .request("/api/plugins/plugin_dice/config")
                .PUT(HttpRequest.BodyPublishers.ofString("{\"sides\":20}"))));
    check(
        "delete",
        "/api/plugins/{id}/errors",
        berth.send(berth.request("/api/plugins/plugin_dice/errors").DELETE()));
    check(
        "delete",
        "/api/keys/{id}",
        berth.send(berth.request("/api/keys/" + keys.key().id()).DELETE()));
    check(
        "delete",
        "/api/plugins/{id}",
        berth.send(berth.request("/api/plugins/plugin_dice").DELETE()));
    checkProblem(berth.get("/api/plugins/plugin_none"));
    checkProblem(berth.get("/nothing"));
    checkProblem(berth.post("/api/plugins", ""));
  }

  private void check(String method, String path, HttpResponse<String> response) {
    String where = method + " " + path + " " + response.body();
    String status = Integer.toString(response.statusCode());
    JsonNode content = document.at("/paths").get(path).get(method).get("responses").get(status);
    assertThat(content).as(where).isNotNull();
    String type = response.headers().firstValue("content-type").orElseThrow();
    JsonNode schema = content.get("content").get(type).get("schema");
    assertThat(errors(schema, ServerFixture.json(response))).as(where).isEmpty();
  }

  @Test
  void problemsHaveNoMembersItDoesNotSay() throws Exception {
    var seen = new TreeSet<String>();
    for (HttpResponse<String> answer :
        List.of(
            berth.execute("{\"context\":1}"),
            berth.execute("{\"contexts\":{}}"),
            berth.execute("{\"context\":{},\"timeout_seconds\":-1}"),
            berth.execute("{\"context\":{},\"context\":{}}"),
            berth.execute("{\"context\":\"" + "x".repeat(2 << 20) + "\"}"),
            berth.post("/api/keys", "{\"nam\":\"\"}"),
            berth.post("/api/keys", "{\"name\":\"\"}"),
            berth.get("/api/plugins?status=no"),
            berth.get("/api/plugins/plugin_dice/logs?limit=0"),
            berth.post("/api/plugins/install", "{\"plugin_uri\":\"\"}"),
            berth.send(berth.multipart("/api/plugins/install", ServerFixture.configPart("1"))))) {
      checkProblem(answer);
      seen.addAll(ServerFixture.json(answer).propertyNames());
    }
    berth.service.onExecute =
        _ ->
            CompletableFuture.completedFuture(
                new ExecutionResult.Denied(Permission.CHAT_ACCESS, "not granted"));
    HttpResponse<String> denied = berth.execute("{}");
    checkProblem(denied);
    seen.addAll(ServerFixture.json(denied).propertyNames());

    assertThat(seen).contains("field", "known", "limit_bytes", "length_bytes", "permission");
  }

  /** A problem as documented; members that the document doesn't have are none. */
  private void checkProblem(HttpResponse<String> response) {
    assertThat(response.headers().firstValue("content-type")).contains(Problem.CONTENT_TYPE);
    ObjectNode schema = ((ObjectNode) document.at("/components/schemas/Problem")).deepCopy();
    schema.put("additionalProperties", false);
    JsonNode body = ServerFixture.json(response);
    assertThat(errors(schema, body)).as(response.body()).isEmpty();
    assertThat(body.get("status").asInt()).isEqualTo(response.statusCode());
  }

  /** The schema beside the document's components, where its references point. */
  private List<String> errors(JsonNode schema, JsonNode value) {
    ObjectNode whole = ServerFixture.MAPPER.createObjectNode();
    whole.set("components", document.get("components"));
    whole.putArray("allOf").add(schema);
    Schema compiled =
        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12).getSchema(whole);
    return compiled.validate(value).stream().map(Object::toString).toList();
  }
}
