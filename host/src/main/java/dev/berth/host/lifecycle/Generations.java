package dev.berth.host.lifecycle;

import dev.berth.api.PluginException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Makes a plugin's workers, one generation after the other. Those of a plugin that died again and
 * again lately wait for their turn at the host's {@link Pace} first.
 */
final class Generations {
  private final Engine engine;
  private final RestartPolicy policy;
  private final PluginLog log;
  private final PluginErrors errors;
  private final Traffic traffic;
  private final AtomicInteger last = new AtomicInteger();

  Generations(
      Engine engine, RestartPolicy policy, PluginLog log, PluginErrors errors, Traffic traffic) {
    this.engine = engine;
    this.policy = policy;
    this.log = log;
    this.errors = errors;
    this.traffic = traffic;
  }

  /**
   * Launches the next worker, which gets no calls yet. Blocks.
   *
   * @param now the one that has the calls, and goes on writing to the log
   * @param underWay see {@link Launcher#launch}
   * @throws PluginException what {@link Launcher#launch} throws, or why the attempt was given up;
   *     no process is left then
   */
  Worker next(LaunchPlan plan, @Nullable Worker now, Launcher.Attempt under, Runnable underWay) {
    PluginException already = under.givenUp();
    if (already != null) {
      throw already;
    }
    Redactor secrets = plan.redactor();
    log.redact(now == null ? secrets : secrets.and(now.plan().redactor()));
    boolean restless = policy.restless(System.nanoTime());
    try (Pace.Step _ = restless ? under.paced(engine.pace(), this::tellOfPace) : null) {
      return engine
          .launcher()
          .launch(plan, last.incrementAndGet(), log, errors, traffic, under, underWay);
    } catch (PluginException e) {
      if (under.givenUp() == null) {
        policy.died(System.nanoTime(), e.code());
      }
      throw e;
    }
  }

  private void tellOfPace() {
    log.fromHost(
        "INFO", "waits to be started: it died twice lately, and such starts are spread out");
  }
}
