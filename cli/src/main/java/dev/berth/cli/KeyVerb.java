package dev.berth.cli;

import dev.berth.api.AccessKeys;
import dev.berth.api.AccessKeys.Created;
import dev.berth.api.ErrorCode;
import dev.berth.api.TenantId;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The API keys of a data folder; a server that runs there need not be stopped. */
@Command(name = "key", description = "Create, list and revoke API keys.")
final class KeyVerb extends Verb {
  @Spec CommandSpec spec = CommandSpec.create();

  KeyVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run() {
    throw new ParameterException(spec.commandLine(), "Say create, list or revoke after `key`.");
  }

  /** What the three have in common. */
  abstract static class Action extends Verb {
    @Option(
        names = "--data",
        paramLabel = "DIR",
        description = "The server's data folder; else BERTH_DATA, else .berth/data here.")
    String data = "";

    @Option(names = "--json", description = "Print JSON.")
    boolean json;

    Action(Session session) {
      super(session);
    }

    @Override
    final ExitCode run() {
      Path folder = session.data(data);
      return session.local().withKeys(folder, keys -> run(keys, folder));
    }

    abstract ExitCode run(AccessKeys keys, Path folder);

    static Map<String, String> json(AccessKeys.Key key) {
      var members = new LinkedHashMap<String, String>();
      members.put("id", key.id());
      members.put("name", key.name());
      members.put("tenant", key.tenant().value());
      members.put("created_at", key.createdAt().toString());
      return members;
    }
  }

  @Command(name = "create", description = "Make a key and show its secret, once.")
  static final class Create extends Action {
    @Parameters(paramLabel = "NAME", description = "What it is for.")
    String name = "";

    Create(Session session) {
      super(session);
    }

    @Override
    ExitCode run(AccessKeys keys, Path folder) {
      Created created = keys.create(TenantId.DEFAULT, name);
      if (json) {
        Map<String, String> members = json(created.key());
        members.put("secret", created.secret());
        terminal().line(JsonText.compact(members));
      } else {
        terminal().line(created.secret());
        terminal()
            .err()
            .println(
                Terminal.printable(
                    "Key %s for %s, kept under %s. The line above is its secret and is not shown again; clients take it from BERTH_API_KEY."
                        .formatted(created.key().id(), name, folder)));
      }
      return ExitCode.OK;
    }
  }

  @Command(name = "list", description = "List the keys, without their secrets.")
  static final class ListKeys extends Action {
    ListKeys(Session session) {
      super(session);
    }

    @Override
    ExitCode run(AccessKeys keys, Path folder) {
      List<AccessKeys.Key> all = keys.list();
      if (json) {
        terminal().line(JsonText.compact(Map.of("keys", all.stream().map(Action::json).toList())));
        return ExitCode.OK;
      }
      if (all.isEmpty()) {
        terminal()
            .line("There is no key under " + folder + ". Make one with: berth key create NAME");
        return ExitCode.OK;
      }
      var table = new Table("ID", "TENANT", "CREATED", "NAME");
      all.forEach(
          key -> table.row(key.id(), key.tenant().value(), key.createdAt().toString(), key.name()));
      table.print(terminal());
      return ExitCode.OK;
    }
  }

  @Command(name = "revoke", description = "Make a key worthless.")
  static final class Revoke extends Action {
    @Parameters(paramLabel = "ID", description = "The key's id, as `berth key list` shows it.")
    String id = "";

    Revoke(Session session) {
      super(session);
    }

    @Override
    ExitCode run(AccessKeys keys, Path folder) {
      if (!keys.revoke(id)) {
        throw ExitCode.NOT_FOUND.failure(
            ErrorCode.NOT_FOUND,
            "There is no key '%s' under %s. `berth key list` shows the ids.".formatted(id, folder));
      }
      if (json) {
        terminal().line(JsonText.compact(Map.of("id", id, "revoked", true)));
      } else {
        terminal().line("Revoked " + id + ".");
      }
      return ExitCode.OK;
    }
  }
}
