package dev.berth.cli;

import dev.berth.cli.RestClient.Reply;
import java.net.URI;
import java.net.URISyntaxException;
import picocli.CommandLine.Option;

/** A verb that a server does. */
abstract class RestVerb extends Verb {
  @Option(
      names = "--server",
      paramLabel = "URL",
      description = "The server; else BERTH_URL, else " + Session.DEFAULT_URL + ".")
  String server = "";

  @Option(
      names = "--api-key",
      paramLabel = "KEY",
      description =
          "The API key; else BERTH_API_KEY, which other users of this machine can't see in its list of processes.")
  String apiKey = "";

  @Option(
      names = "--json",
      description = "Print the server's JSON. Errors are then problem+json on standard error.")
  boolean json;

  RestVerb(Session session) {
    super(session);
  }

  /** The server's plugins. */
  Plugins plugins() {
    String key = apiKey.isEmpty() ? variable("BERTH_API_KEY") : apiKey;
    return new Plugins(new RestClient(address(), key.isEmpty() ? null : key));
  }

  private URI address() {
    String text = server.isEmpty() ? variable("BERTH_URL") : server;
    if (text.isEmpty()) {
      text = Session.DEFAULT_URL;
    }
    try {
      var uri = new URI(text.replaceAll("/+$", ""));
      String scheme = String.valueOf(uri.getScheme());
      if ((scheme.equals("http") || scheme.equals("https"))
          && uri.getHost() != null
          && uri.getUserInfo() == null
          && uri.getQuery() == null
          && uri.getFragment() == null) {
        return uri;
      }
    } catch (URISyntaxException _) {
      // Said below.
    }
    throw ExitCode.usage(
        "'"
            + text
            + "' is not the address of a server. It looks like "
            + Session.DEFAULT_URL
            + ".");
  }

  private String variable(String name) {
    return session.environment().getOrDefault(name, "").strip();
  }

  /** Prints {@code reply} as the server gave it. */
  void printJson(Reply reply) {
    terminal().out().println(JsonText.escaped(reply.text().strip()));
  }
}
