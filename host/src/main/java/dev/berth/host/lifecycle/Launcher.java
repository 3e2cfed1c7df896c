package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.SandboxExit;
import dev.berth.channel.ChannelLimits;
import dev.berth.channel.ChannelLoop;
import dev.berth.host.egress.EgressProxy;
import dev.berth.sandbox.Sandbox;
import dev.berth.sandbox.SandboxProcess;
import dev.berth.sandbox.SandboxSpec;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Starts workers: sandbox, then channel, then the plugin's own initialisation. */
final class Launcher {
  private static final int LAST_WORDS = 5;

  private final Sandbox sandbox;
  private final ChannelLoop loop;
  private final ChannelOpener channels;
  private final Networks networks;
  private final ChannelLimits limits;
  private final Timings timings;
  private final Executor background;

  Launcher(
      Sandbox sandbox,
      ChannelLoop loop,
      ChannelOpener channels,
      Networks networks,
      ChannelLimits limits,
      Timings timings,
      Executor background) {
    this.sandbox = sandbox;
    this.loop = loop;
    this.channels = channels;
    this.networks = networks;
    this.limits = limits;
    this.timings = timings;
    this.background = background;
  }

  /** A start under way, for whoever wants it given up. */
  static final class Attempt {
    private final Starts.@Nullable Turn turn;
    private @Nullable PluginException givenUp;
    private @Nullable Worker worker;
    private @Nullable Thread interruptible;
    private Pace.@Nullable Step step;

    /** One that somebody waits for. */
    Attempt() {
      this.turn = null;
    }

    /**
     * @param turn during which it is; the caller ends it
     */
    Attempt(Starts.Turn turn) {
      this.turn = turn;
    }

    /**
     * Does what may take minutes and comes before the launch. Other plugins have its turn from now
     * on, and whoever wants the start given up interrupts it.
     *
     * @throws PluginException why it was given up, and what {@code work} throws
     */
    <T extends @Nullable Object> T fetching(Supplier<T> work) {
      return interruptibly(() -> {
        if (turn != null) {
          turn.fetching();
        }
        return work.get();
      });
    }

    /**
     * Waits until the start of a plugin that keeps dying is due. Other plugins have its turn from
     * now on, and whoever wants the start given up interrupts it.
     *
     * @param waits run first when it isn't due yet
     * @return the start's step, which is over when its worker has connected; else the caller's to
     *     end
     * @throws PluginException why it was given up
     */
    Pace.Step paced(Pace pace, Runnable waits) {
      if (turn != null) {
        turn.end();
      }
      try {
        return interruptibly(() -> holding(pace.take(waits)));
      } catch (RuntimeException e) {
        endStep(); // given up when it was due already
        throw e;
      }
    }

    private synchronized Pace.Step holding(Pace.Step due) {
      step = due;
      return due;
    }

    private synchronized void endStep() {
      if (step != null) {
        step.close();
      }
    }

    private <T extends @Nullable Object> T interruptibly(Supplier<T> work) {
      synchronized (this) {
        if (givenUp != null) {
          throw givenUp;
        }
        interruptible = Thread.currentThread();
      }
      try {
        return work.get();
      } finally {
        uninterruptible();
      }
    }

    /** What was interrupted failed for that and no other reason. */
    private synchronized void uninterruptible() {
      interruptible = null;
      if (givenUp != null) {
        boolean _ = Thread.interrupted();
        throw givenUp;
      }
    }

    /**
     * @param why what the start fails with; the first reason stays
     */
    synchronized void giveUp(PluginException why) {
      if (givenUp == null) {
        givenUp = why;
      }
      if (worker != null) {
        worker.killSoon();
      }
      if (interruptible != null) {
        interruptible.interrupt();
      }
    }

    /** Why it was given up; null when it was not. */
    synchronized @Nullable PluginException givenUp() {
      return givenUp;
    }

    private synchronized void has(Worker started) {
      worker = started;
      if (turn != null) {
        turn.connected();
      }
      endStep();
      if (givenUp != null) {
        started.killSoon();
      }
    }
  }

  /**
   * Starts a worker and waits until its plugin is initialised.
   *
   * @param underWay see {@link Sandbox#start(SandboxSpec, Runnable)}
   * @throws PluginException {@code sandbox_*}, {@code plugin_syntax_error}, {@code
   *     plugin_import_error}, {@code plugin_class_missing}, {@code plugin_start_failed}, {@code
   *     plugin_start_timeout}, or why it was given up; no process is left then
   */
  Worker launch(
      LaunchPlan plan,
      int generation,
      PluginLog log,
      PluginErrors errors,
      Traffic traffic,
      Attempt attempt,
      Runnable underWay) {
    log.open();
    errors.open();
    long logged = log.lastSequence();
    SandboxProcess process = start(plan, generation, log, traffic, underWay);
    var worker = new Worker(plan, generation, process, log, errors, sandbox.ceilings());
    try {
      attempt.has(worker);
      background.execute(new OutputReader(process.output(), log));
      worker.speaks(channels.open(process.channel(), loop, plan.id(), plan.name(), limits, worker));
      Duration limit = startLimit(plan);
      Json hello =
          Await.value(
              worker.channel().initialize(plan.initialization(), limit),
              limit.plusSeconds(5),
              late(plan, limit));
      worker.introduced(hello);
      return worker;
    } catch (RuntimeException e) {
      PluginException givenUp = attempt.givenUp();
      if (givenUp != null) { // Its failure is nothing to explain, or to hold against the plugin.
        worker.kill(givenUp);
        throw givenUp;
      }
      SandboxExit exit = hasCrashed(e) ? worker.exit(timings.exitReason()) : null;
      PluginException why = explain(plan, end(exit, process), e, log, logged);
      errors.add(
          Incident.ofStart(why, worker.startFault(), exit, worker.version(), log.redactor()));
      worker.kill(why);
      throw why;
    }
  }

  /** The network's end lives as long as the worker's processes do. */
  private SandboxProcess start(
      LaunchPlan plan, int generation, PluginLog log, Traffic traffic, Runnable underWay) {
    EgressProxy network = networks.open(plan, generation, log, traffic);
    SandboxSpec spec = plan.spec(generation);
    if (network == null) {
      return sandbox.start(spec, underWay);
    }
    try {
      SandboxProcess process = sandbox.start(spec.withEgress(network.socket()), underWay);
      var _ = process.exited().whenComplete((_, _) -> network.close());
      return process;
    } catch (RuntimeException e) {
      network.close();
      throw e;
    }
  }

  private Duration startLimit(LaunchPlan plan) {
    Duration call = plan.pack().manifest().resources().timeout();
    return call.compareTo(timings.start()) > 0 ? call : timings.start();
  }

  private static PluginException late(LaunchPlan plan, Duration limit) {
    return new PluginException(
        ErrorCode.PLUGIN_START_TIMEOUT,
        plan.label() + " was not ready after " + limit.toSeconds() + " s.");
  }

  private static boolean hasCrashed(RuntimeException error) {
    return error instanceof PluginException known && known.code() == ErrorCode.PLUGIN_CRASHED;
  }

  /**
   * How a worker came to its end: what it could not do, in one clause, or how it ended.
   *
   * @param exit null when it is not known
   */
  private record End(String clause, @Nullable SandboxExit exit) {}

  private static End end(@Nullable SandboxExit exit, SandboxProcess process) {
    String failure = process.failure();
    return new End(
        failure != null ? failure : exit == null ? "closed its channel" : exit.describe(), exit);
  }

  private static PluginException explain(
      LaunchPlan plan, End end, RuntimeException error, PluginLog log, long logged) {
    Redactor redactor = log.redactor();
    if (!(error instanceof PluginException known)) {
      return new PluginException(
          ErrorCode.INTERNAL, plan.label() + " could not be started: " + error, error);
    }
    if (!hasCrashed(known)) {
      String message = known.getMessage() + remedy(known);
      Object traceback = known.details().get("traceback");
      if (traceback instanceof String text && !text.isBlank() && !message.contains(text.strip())) {
        message += "\n" + text.strip();
      }
      return new PluginException(known.code(), redactor.redact(message), redacted(known), null);
    }
    String words =
        log.read(logged, LAST_WORDS).stream()
            .filter(record -> !record.source().equals("host"))
            .map(record -> "\n" + record.message())
            .collect(Collectors.joining());
    return new PluginException(
        ErrorCode.PLUGIN_START_FAILED,
        plan.label()
            + " did not start: its worker "
            + end.clause()
            + (words.isEmpty() ? "." : ". It last said:" + words),
        CrashReport.details(end.exit()),
        null);
  }

  private static String remedy(PluginException failure) {
    return switch (failure.code()) {
      case PLUGIN_IMPORT_ERROR, PLUGIN_SYNTAX_ERROR, PLUGIN_START_FAILED ->
          failure.getMessage().contains("No module named")
              ? " Where that is a package of PyPI's, the plugin's requirements.txt must name it."
              : " That is for its author to mend, or for another version.";
      default -> "";
    };
  }

  private static Map<String, Object> redacted(PluginException known) {
    // The traceback is in the message, without secrets.
    return known.details().entrySet().stream()
        .filter(entry -> !entry.getKey().equals("traceback"))
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }
}
