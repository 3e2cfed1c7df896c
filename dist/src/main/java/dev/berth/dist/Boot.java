package dev.berth.dist;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.ResourceLimits;
import dev.berth.cli.Hosting;
import dev.berth.cli.LocalOperations;
import dev.berth.host.BerthHost;
import dev.berth.host.HostSettings;
import dev.berth.sandbox.DockerSandbox;
import dev.berth.sandbox.DockerSandboxSettings;
import dev.berth.sandbox.ProcessMode;
import dev.berth.sandbox.ProcessSandbox;
import dev.berth.sandbox.ProcessSandboxSettings;
import dev.berth.sandbox.PythonInterpreter;
import dev.berth.sandbox.Sandbox;
import dev.berth.server.BerthServer;
import dev.berth.server.ServerSettings;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A whole Berth: what is opened, in which order, and closed in the other. */
final class Boot implements LocalOperations.Served {
  private static final Logger LOG = LoggerFactory.getLogger(Boot.class);

  private final BerthServer server;
  private final JettyChannelLoop loop;
  private final Sandbox sandbox;
  private final BerthHost host;
  private final CountDownLatch closed = new CountDownLatch(1);

  private Boot(BerthServer server, JettyChannelLoop loop, Sandbox sandbox, BerthHost host) {
    this.server = server;
    this.loop = loop;
    this.sandbox = sandbox;
    this.host = host;
  }

  /**
   * Listens first, so that a taken port is found before anything is touched and a load balancer has
   * something to ask; then the options, the sandbox, the host on its data, and only then requests.
   */
  static Boot start(LocalOperations.ServeOptions options) {
    Path data = options.data().toAbsolutePath().normalize();
    BerthServer server =
        BerthServer.start(
            ServerSettings.of(options.host(), options.port(), data.resolve("run/uploads")));
    JettyChannelLoop loop = new JettyChannelLoop(server.connector());
    Sandbox sandbox = null;
    BerthHost host = null;
    try {
      // One interpreter for both: what dependencies are locked for is what imports them.
      Path python = PythonInterpreter.find().executable();
      HostSettings settings = hostSettings(options.hosting(), data, python);
      sandbox = openSandbox(options.hosting(), data, python);
      host = BerthHost.open(settings, sandbox, loop);
      server.serve(host.service(), host.keys());
    } catch (RuntimeException e) {
      server.drain();
      if (host != null) {
        host.close();
      }
      if (sandbox != null) {
        sandbox.close();
      }
      loop.close();
      server.close();
      throw e;
    }
    for (var missing : sandbox.isolation().missing()) {
      LOG.warn(
          "isolation: no {} here: {}. {}", missing.protection(), missing.why(), missing.remedy());
    }
    for (var finding : sandbox.isolation().findings()) {
      if (!finding.ok()) {
        LOG.warn("host: {}: {}. {}", finding.name(), finding.what(), finding.remedy());
      }
    }
    LOG.info("ready at {}, data in {}", server.url(), data);
    return new Boot(server, loop, sandbox, host);
  }

  private static HostSettings hostSettings(Hosting hosting, Path data, Path python) {
    Hosting.Egress egress = hosting.egress();
    return HostSettings.defaults(data, python)
        .withLimits(
            HostSettings.Limits.DEFAULT
                .withMaximum(maximum(hosting.maxima()))
                .withDataBytes((long) hosting.maxima().dataMb() << 20))
        .withEgress(
            new HostSettings.Egress(egress.allow(), egress.only(), (long) egress.hourlyMb() << 20))
        .withFolders(FolderOptions.parse(hosting.folders(), data));
  }

  private static ResourceLimits maximum(Hosting.Maxima maxima) {
    return new ResourceLimits(maxima.memoryMb(), maxima.cpuShares(), maxima.timeoutSeconds());
  }

  private static Sandbox openSandbox(Hosting hosting, Path data, Path python) {
    return switch (hosting.isolation().sandbox()) {
      case "process" -> openProcess(hosting, data, python);
      case "docker" -> DockerSandbox.open(docker(hosting, data, python));
      case "auto" ->
          SandboxChoice.auto(
              () -> openProcess(hosting, data, python),
              () -> DockerSandbox.isReady(docker(hosting, data, python)),
              () -> DockerSandbox.open(docker(hosting, data, python)));
      default ->
          throw new PluginException(
              ErrorCode.BAD_REQUEST,
              "There is no sandbox '"
                  + hosting.isolation().sandbox()
                  + "': auto, process or docker.");
    };
  }

  private static Sandbox openProcess(Hosting hosting, Path data, Path python) {
    Hosting.Maxima maxima = hosting.maxima();
    return ProcessSandbox.open(
        ProcessSandboxSettings.of(data)
            .withPython(python.toString())
            .withMaximum(maximum(maxima), maxima.cpus(), maxima.pids())
            .withMode(processMode(hosting.isolation().processMode()))
            .withAllowWeak(hosting.isolation().allowWeak()));
  }

  private static DockerSandboxSettings docker(Hosting hosting, Path data, Path python) {
    Hosting.Isolation isolation = hosting.isolation();
    Hosting.Maxima maxima = hosting.maxima();
    return DockerSandboxSettings.of(data, python)
        .withImage(
            isolation.dockerImage().isEmpty()
                ? DockerSandboxSettings.IMAGE
                : isolation.dockerImage(),
            isolation.dockerPluginImages())
        .withRuntime(isolation.dockerRuntime())
        .withMaximum(maximum(maxima), maxima.cpus(), maxima.pids())
        .withAllowWeak(isolation.allowWeak());
  }

  private static ProcessMode processMode(String name) {
    return switch (name) {
      case "zygote" -> ProcessMode.ZYGOTE;
      case "exec" -> ProcessMode.EXEC;
      default ->
          throw new PluginException(
              ErrorCode.BAD_REQUEST, "There is no process mode '" + name + "': zygote or exec.");
    };
  }

  @Override
  public String url() {
    return server.url().toString();
  }

  @Override
  public void await() throws InterruptedException {
    closed.await();
  }

  /**
   * No new request and nothing done to plugins, then no worker, then no launcher; the server last,
   * since workers are told to clean up over its selectors.
   */
  @Override
  public void close() {
    host.drain();
    server.drain();
    host.close();
    sandbox.close();
    loop.close();
    server.close();
    closed.countDown();
  }
}
