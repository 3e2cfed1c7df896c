package dev.berth.dist;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What docs/openapi.yaml says a problem is. A member that it doesn't name is an error here. */
final class ProblemSchema {
  private static final ObjectNode DOCUMENT = document();
  private static final Schema PROBLEM =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12).getSchema(DOCUMENT);

  private ProblemSchema() {}

  private static ObjectNode document() {
    Object yaml =
        new Load(LoadSettings.builder().build()).loadFromString(Guide.read("openapi.yaml").text());
    JsonNode components = RunningBerth.JSON.valueToTree(yaml).path("components");
    ObjectNode whole = RunningBerth.JSON.createObjectNode();
    // Beside the components, where its references point.
    whole.setAll((ObjectNode) components.at("/schemas/Problem"));
    whole.put("additionalProperties", false);
    whole.set("components", components);
    return whole;
  }

  static void check(String body) {
    var errors = PROBLEM.validate(RunningBerth.JSON.readTree(body));
    if (!errors.isEmpty()) {
      throw new AssertionError("not a problem of docs/openapi.yaml: " + errors + "\n" + body);
    }
  }

  /** The members that a problem may have. */
  static Set<String> members() {
    Collection<String> names = DOCUMENT.path("properties").propertyNames();
    return new TreeSet<>(names);
  }

  /** The names that {@code limit} may have. */
  static Set<String> limits() {
    return DOCUMENT
        .at("/properties/limit/enum")
        .valueStream()
        .map(JsonNode::asString)
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
