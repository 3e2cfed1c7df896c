package dev.berth.cli;

import dev.berth.api.HostReport;
import dev.berth.api.Isolation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(
    name = "doctor",
    description = "Find out what this host can keep plugins apart by, by trying it.",
    footer = {
      "",
      "Needs no server and leaves nothing behind.",
      "The exit code is 0 when the standard sandbox is complete here, and 1 when it",
      "is weak or can't be had."
    })
final class DoctorVerb extends Verb {
  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Where everything is kept; else BERTH_DATA, else .berth/data here.")
  String data = "";

  @Option(names = "--json", description = "Print JSON.")
  boolean json;

  DoctorVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run() {
    Path folder = session.data(data);
    terminal().remark("Making sandboxes and exceeding their limits; this takes some seconds.");
    HostReport report = session.local().examine(folder, session.environment());
    if (json) {
      JsonNode tree = JsonText.parse(JsonText.compact(view(report)));
      terminal().out().println(JsonText.escaped(JsonText.pretty(tree)));
    } else {
      print(report);
    }
    return report.complete() ? ExitCode.OK : ExitCode.FAILED;
  }

  private static Map<String, Object> view(HostReport report) {
    var levels = new ArrayList<Map<String, Object>>();
    for (HostReport.Level level : report.levels()) {
      var view = new LinkedHashMap<String, Object>();
      view.put("name", level.name());
      view.put("available", level.available());
      view.put("why", level.why());
      view.put("enforced", level.isolation().enforced());
      view.put("missing", level.isolation().missing());
      levels.add(view);
    }
    var view = new LinkedHashMap<String, Object>();
    view.put("standard", report.standard());
    view.put("complete", report.complete());
    view.put("facts", new java.util.TreeMap<>(report.facts()));
    view.put("levels", levels);
    view.put("findings", report.findings());
    return view;
  }

  private void print(HostReport report) {
    var facts = new ArrayList<String>();
    new java.util.TreeMap<>(report.facts()).forEach((name, value) -> facts.add(name + " " + value));
    terminal().line("This host: " + String.join(", ", facts));
    terminal().line("");
    protections(report.levels());
    terminal().line("");
    findings(report);
    terminal().line("");
    terminal()
        .line("The standard sandbox (" + words(report.standard()) + ") is " + verdict(report));
  }

  private static String verdict(HostReport report) {
    if (!report.complete()) {
      return "not complete here.";
    }
    boolean lacks =
        report.levels().stream()
            .filter(level -> level.name().equals(report.standard()))
            .anyMatch(level -> !level.isolation().missing().isEmpty());
    return lacks
        ? "complete here: what it has not is missing on most hosts, or by choice."
        : "complete here.";
  }

  private void protections(List<HostReport.Level> levels) {
    var heading = new ArrayList<>(List.of("PROTECTION"));
    Set<String> all = new LinkedHashSet<>();
    for (HostReport.Level level : levels) {
      heading.add(words(level.name()));
      if (!level.available()) {
        continue; // what it would give isn't known
      }
      all.addAll(level.isolation().enforced());
      level.isolation().missing().forEach(missing -> all.add(missing.protection()));
    }
    var table = new Table(heading.toArray(String[]::new));
    for (String protection : all) {
      var row = new ArrayList<>(List.of(words(protection)));
      levels.forEach(level -> row.add(cell(level, protection)));
      table.row(row.toArray(String[]::new));
    }
    table.print(terminal());
    for (HostReport.Level level : levels) {
      if (!level.available()) {
        terminal().line("");
        terminal().line(words(level.name()) + " can't be had: " + level.why());
        level.isolation().missing().forEach(missing -> terminal().line("  " + missing.remedy()));
        continue;
      }
      for (Isolation.Missing missing : level.isolation().missing()) {
        terminal().line("");
        terminal()
            .line(
                words(level.name()) + ": no " + words(missing.protection()) + ": " + missing.why());
        terminal().line("  " + missing.remedy());
      }
    }
  }

  private static String cell(HostReport.Level level, String protection) {
    if (!level.available()) {
      return "-";
    }
    return level.isolation().enforced().contains(protection) ? "yes" : "no";
  }

  private void findings(HostReport report) {
    List<String> said = report.levels().stream().map(HostReport.Level::why).toList();
    for (Isolation.Finding finding : report.findings()) {
      if (said.contains(finding.what())) {
        continue; // of a level that can't be had
      }
      terminal()
          .line(
              (finding.ok() ? "ok    " : "note  ") + words(finding.name()) + ": " + finding.what());
      if (!finding.ok() && !finding.remedy().isEmpty()) {
        terminal().line("      " + finding.remedy());
      }
    }
  }

  private static String words(String name) {
    return name.replace('_', ' ');
  }
}
