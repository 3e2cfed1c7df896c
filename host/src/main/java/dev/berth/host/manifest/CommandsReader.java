package dev.berth.host.manifest;

import dev.berth.api.Command;
import dev.berth.api.ErrorCode;
import dev.berth.host.manifest.YamlNode.Mapping;
import dev.berth.host.manifest.YamlNode.Scalar;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads {@code commands} of plugin.yaml. */
final class CommandsReader {
  private final Fields top;
  private final Problems problems;

  /**
   * @param top the mapping that the list is in
   */
  CommandsReader(Fields top, Problems problems) {
    this.top = top;
    this.problems = problems;
  }

  List<Command> read(List<YamlNode> items) {
    List<Command> found = new ArrayList<>();
    Map<String, Integer> seen = new HashMap<>();
    for (int i = 0; i < items.size(); i++) {
      String label = "commands[" + i + "]";
      Mapping mapping = top.mapping(label, items.get(i));
      if (mapping == null) {
        continue;
      }
      var fields = new Fields(label + ".", mapping, problems);
      fields.allow(List.of("name", "description", "usage"), ErrorCode.MANIFEST_UNKNOWN_FIELD);
      fields.require("name", "name: /roll");
      Scalar name = fields.text("name");
      String description = fields.prose("description", 200, false);
      String usage = fields.prose("usage", 200, false);
      if (name == null) {
        continue;
      }
      String problem = CommandRules.problem(name.text());
      Integer first = seen.putIfAbsent(CommandRules.key(name.text()), i);
      if (problem == null && first != null) {
        problem = "the same command as commands[" + first + "]";
      }
      if (problem != null) {
        fields.problem(name, "name", problem);
      }
      found.add(new Command(name.text(), description, usage));
    }
    return found;
  }
}
