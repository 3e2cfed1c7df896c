package dev.berth.host.manifest;

import dev.berth.api.Command;
import dev.berth.api.ConfigSchema;
import dev.berth.api.EntryPoint;
import dev.berth.api.ErrorCode;
import dev.berth.api.Hook;
import dev.berth.api.Permission;
import dev.berth.api.PluginManifest;
import dev.berth.api.PluginType;
import dev.berth.api.ResourceLimits;
import dev.berth.api.Text;
import dev.berth.api.Version;
import dev.berth.host.manifest.YamlNode.Mapping;
import dev.berth.host.manifest.YamlNode.Scalar;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.semver4j.Semver;

/** One reading of one plugin.yaml, from its first key to its last. */
final class ManifestPass {
  private static final List<String> KEYS =
      List.of(
          "name",
          "version",
          "description",
          "author",
          "email",
          "license",
          "type",
          "main",
          "class",
          "dependencies",
          "permissions",
          "optional_permissions",
          "resources",
          "config_schema",
          "hooks",
          "commands",
          "egress",
          "docker_image",
          "python_requires",
          "min_host_version");

  private static final int MAX_ITEMS = 200;

  private final Fields top;
  private final @Nullable Version host;
  private final @Nullable Collection<String> files;
  private final Problems problems;
  private final ResourcesReader resources;

  /**
   * @param most the most that a plugin may have
   * @param host what {@code min_host_version} is held against; null for a package taken before
   * @param files what {@code main} must be among; null when they aren't known
   */
  ManifestPass(
      Mapping mapping,
      ResourceLimits most,
      @Nullable Version host,
      @Nullable Collection<String> files,
      Problems problems) {
    this.top = new Fields("", mapping, problems);
    this.host = host;
    this.files = files;
    this.problems = problems;
    // What was taken before the operator lowered a limit isn't refused now, but held to it.
    this.resources = new ResourcesReader(most, host != null, problems);
  }

  /** What it says; where {@code problems} were found, with something in their place. */
  PluginManifest manifest() {
    top.allow(KEYS, ErrorCode.MANIFEST_UNKNOWN_FIELD);
    top.require("name", "name: my-plugin");
    top.require("version", "version: 1.0.0");
    top.require("class", "class: MyPlugin");
    Set<Permission> permissions = permissions("permissions");
    Mapping schema = top.mapping("config_schema");
    return new PluginManifest(
        name(),
        version(),
        top.prose("description", 2000, true),
        top.prose("author", 200, false),
        email(),
        top.prose("license", 100, false),
        type(),
        new EntryPoint(main(), className()),
        dependencies(),
        permissions,
        optionalPermissions(permissions),
        resources.read(top.mapping("resources")),
        schema == null ? ConfigSchema.EMPTY : new ConfigSchemaReader(problems).read(schema),
        top.constants("hooks", Hook.class, "hook"),
        commands(),
        egress(),
        dockerImage(),
        pythonRequires(),
        minHostVersion());
  }

  private String name() {
    Scalar scalar = top.text("name");
    if (scalar == null) {
      return "unnamed";
    }
    String problem = NameRules.problem(scalar.text());
    if (problem != null) {
      top.problem(scalar, "name", problem);
    }
    return scalar.text();
  }

  private Version version() {
    var unread = new Version("0.0.0");
    if (top.node("version") instanceof Scalar number && isNumber(number)) {
      top.problem(number, "version", VersionRules.numberProblem(number));
      return unread;
    }
    Scalar scalar = top.text("version");
    if (scalar == null) {
      return unread;
    }
    String problem = VersionRules.problem(scalar.text());
    if (problem != null) {
      top.problem(scalar, "version", problem);
      return unread;
    }
    return new Version(scalar.text());
  }

  private static boolean isNumber(Scalar scalar) {
    return scalar.kind() == PlainScalar.INTEGER || scalar.kind() == PlainScalar.NUMBER;
  }

  private String email() {
    String email = top.prose("email", 254, false);
    YamlNode at = top.node("email");
    if (at != null && !email.isEmpty() && !email.matches("[^@\\s]{1,64}@[^@\\s]+")) {
      top.problem(at, "email", "expected an address such as you@example.com");
    }
    return email;
  }

  private PluginType type() {
    Scalar scalar = top.text("type");
    PluginType type =
        scalar == null ? null : top.constant("type", scalar, PluginType.class, "plugin type");
    return type == null ? PluginType.EXTENSION : type;
  }

  private String main() {
    Scalar scalar = top.text("main");
    if (scalar == null) {
      if (files != null && !top.has("main") && !files.contains("main.py")) {
        problems.add(
            ErrorCode.MANIFEST_BAD_ENTRY,
            Place.START,
            "main: main.py, which stands where main is left out, is not in the package"
                + NameRules.pythonFiles("main.py", files));
      }
      return "main.py";
    }
    String problem = NameRules.mainProblem(scalar.text());
    if (problem == null && files != null && !files.contains(scalar.text())) {
      problem =
          Text.printable(scalar.text(), 100)
              + " is not in the package"
              + NameRules.pythonFiles(scalar.text(), files);
    }
    if (problem != null) {
      problems.add(ErrorCode.MANIFEST_BAD_ENTRY, scalar.place(), "main: " + problem);
    }
    return scalar.text();
  }

  private String className() {
    Scalar scalar = top.text("class");
    if (scalar == null) {
      return "Unnamed";
    }
    String problem = NameRules.classProblem(scalar.text());
    if (problem != null) {
      problems.add(ErrorCode.MANIFEST_BAD_ENTRY, scalar.place(), "class: " + problem);
    }
    return scalar.text();
  }

  private List<String> dependencies() {
    List<String> found = new ArrayList<>();
    List<YamlNode> items = few("dependencies", "requirements such as requests>=2.31.0");
    for (int i = 0; i < items.size(); i++) {
      String label = "dependencies[" + i + "]";
      Scalar scalar = top.text(label, items.get(i));
      if (scalar != null) {
        try {
          found.add(Requirement.parse(scalar.text()).text());
        } catch (IllegalArgumentException e) {
          top.problem(scalar, label, String.valueOf(e.getMessage()));
        }
      }
    }
    return found;
  }

  private Set<Permission> permissions(String key) {
    return top.constants(key, Permission.class, "permission");
  }

  private Set<Permission> optionalPermissions(Set<Permission> required) {
    Set<Permission> optional = EnumSet.noneOf(Permission.class);
    optional.addAll(permissions("optional_permissions"));
    YamlNode at = top.node("optional_permissions");
    for (Permission permission : List.copyOf(optional)) {
      String problem = null;
      if (required.contains(permission)) {
        problem = " is in permissions too; it is either required or optional";
      } else if (permission == Permission.ADMIN_ACCESS) {
        problem = " can't be optional; ask for it in permissions or not at all";
      }
      if (problem != null && at != null) {
        top.problem(at, "optional_permissions", permission.wireName() + problem);
      }
    }
    return optional;
  }

  private List<Command> commands() {
    return new CommandsReader(top, problems)
        .read(few("commands", "commands, each with a name such as /roll"));
  }

  private List<String> egress() {
    List<String> found = new ArrayList<>();
    List<YamlNode> items = few("egress", "places such as api.example.com or *.example.com:8443");
    for (int i = 0; i < items.size(); i++) {
      String label = "egress[" + i + "]";
      Scalar scalar = top.text(label, items.get(i));
      if (scalar == null) {
        continue;
      }
      String problem = EgressRules.problem(scalar.text());
      if (problem != null) {
        top.problem(scalar, label, problem);
      } else if (found.contains(scalar.text().strip())) {
        top.problem(scalar, label, Text.printable(scalar.text(), 60) + " is listed twice");
      } else {
        found.add(scalar.text().strip());
      }
    }
    YamlNode at = top.node("egress");
    if (at != null && !asksFor("network_access")) {
      top.problem(
          at,
          "egress",
          "says where to connect to, but neither permissions nor optional_permissions has"
              + " network_access; add it there or leave egress out");
    }
    return found;
  }

  /**
   * Whether a permission is listed, required or optional; asks the text, to tell a problem once.
   */
  private boolean asksFor(String permission) {
    for (String key : List.of("permissions", "optional_permissions")) {
      if (top.node(key) instanceof YamlNode.Sequence sequence
          && sequence.items().stream()
              .anyMatch(item -> item instanceof Scalar s && s.text().equals(permission))) {
        return true;
      }
    }
    return false;
  }

  private String dockerImage() {
    Scalar scalar = top.text("docker_image");
    if (scalar == null) {
      return "";
    }
    String problem = ImageRules.problem(scalar.text());
    if (problem != null) {
      top.problem(scalar, "docker_image", problem);
    }
    return scalar.text();
  }

  private String pythonRequires() {
    Scalar scalar = top.text("python_requires");
    if (scalar == null) {
      return "";
    }
    String problem = PythonVersions.problem(scalar.text());
    if (problem != null) {
      top.problem(scalar, "python_requires", problem);
    }
    return scalar.text().strip();
  }

  private String minHostVersion() {
    Scalar scalar = top.text("min_host_version");
    if (scalar == null) {
      return "";
    }
    String wanted = scalar.text();
    if (!Version.isValid(wanted)) {
      top.problem(
          scalar,
          "min_host_version",
          "expected a version by SemVer 2.0.0 such as 1.4.0, got \""
              + Text.printable(wanted, 60)
              + "\"");
    } else if (host != null && new Semver(host.text()).isLowerThan(new Semver(wanted))) {
      problems.add(
          ErrorCode.HOST_VERSION_UNSUPPORTED,
          scalar.place(),
          "min_host_version: the plugin needs Berth "
              + wanted
              + " or newer, and this is "
              + host
              + "; update Berth or take an older version of the plugin");
    }
    return wanted;
  }

  private List<YamlNode> few(String key, String of) {
    List<YamlNode> items = top.list(key, of);
    if (items.size() > MAX_ITEMS) {
      top.problem(items.get(MAX_ITEMS), key, "expected at most " + MAX_ITEMS + " items");
      return List.of();
    }
    return items;
  }
}
