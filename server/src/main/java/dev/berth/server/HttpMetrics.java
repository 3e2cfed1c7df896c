package dev.berth.server;

import dev.berth.api.PluginService;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** Counts and times requests by route, and shows that, the JVM and the plugins to Prometheus. */
final class HttpMetrics implements AutoCloseable {
  /** Stands for an answer that never reached its client; no real status. */
  static final int ABORTED = 499;

  private static final int MAX_STATUS = 600;
  private static final String UNROUTED = "none";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final ConcurrentHashMap<String, AtomicReferenceArray<@Nullable Timer>> timers =
      new ConcurrentHashMap<>();
  private final JvmGcMetrics gc = new JvmGcMetrics();
  private final PluginCollector plugins = new PluginCollector();

  HttpMetrics(ServerState state) {
    new JvmMemoryMetrics().bindTo(registry);
    gc.bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    Gauge.builder("berth.http.requests.active", state, ServerState::underWay)
        .description("Requests under way")
        .register(registry);
    registry.getPrometheusRegistry().register(plugins);
  }

  /**
   * Counts one request.
   *
   * @param route null when none was found: what a stranger asked for never becomes a label
   */
  void record(@Nullable Route route, int status, long nanos) {
    String key = route == null ? UNROUTED : route.key();
    AtomicReferenceArray<@Nullable Timer> byStatus = timers.get(key);
    if (byStatus == null) {
      byStatus = timers.computeIfAbsent(key, _ -> new AtomicReferenceArray<>(MAX_STATUS));
    }
    int index = status > 0 && status < MAX_STATUS ? status : 0;
    Timer timer = byStatus.get(index);
    if (timer == null) {
      timer = timer(route, index);
      byStatus.set(index, timer);
    }
    timer.record(nanos, TimeUnit.NANOSECONDS);
  }

  private Timer timer(@Nullable Route route, int status) {
    return Timer.builder("berth.http.requests")
        .description("Requests by route and status, and how long they took")
        .tag("method", route == null ? UNROUTED : route.method())
        .tag("route", route == null ? UNROUTED : route.path())
        .tag("status", Integer.toString(status))
        .register(registry);
  }

  /** All figures in Prometheus' text format. */
  String scrape(PluginService service) {
    plugins.read(service);
    return registry.scrape();
  }

  @Override
  public void close() {
    gc.close();
    registry.close();
  }
}
