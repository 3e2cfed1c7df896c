package dev.berth.host.lifecycle;

import dev.berth.api.Isolation;
import dev.berth.api.Json;
import dev.berth.api.PluginId;
import dev.berth.channel.ChannelLimits;
import dev.berth.channel.ChannelListener;
import dev.berth.channel.ChannelLoop;
import dev.berth.channel.WorkerChannel;
import dev.berth.sandbox.Sandbox;
import dev.berth.sandbox.SandboxProcess;
import dev.berth.sandbox.SandboxSpec;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** A sandbox and a channel whose workers are {@link FakeWorker}s. */
final class FakeWorkers implements Sandbox, ChannelOpener {
  static final Json HELLO = Json.of("{\"protocol\":1,\"python\":\"3.11.7\",\"health\":false}");
  static final Json HELLO_WITH_HEALTH = Json.of("{\"protocol\":1,\"health\":true}");

  private final LinkedBlockingQueue<FakeWorker> started = new LinkedBlockingQueue<>();
  private final ConcurrentHashMap<SocketChannel, FakeWorker> bySocket = new ConcurrentHashMap<>();

  /** Every worker that was started. */
  final List<FakeWorker> all = new CopyOnWriteArrayList<>();

  /** What happens to a worker as soon as its conversation begins. */
  volatile Consumer<FakeWorker> script = worker -> worker.initialized.complete(HELLO);

  /** What {@link #start} throws. */
  volatile RuntimeException refusal;

  /** How often it did. */
  final AtomicInteger refusals = new AtomicInteger();

  /** The next worker that was started; waits for it. */
  FakeWorker next() {
    try {
      FakeWorker worker = started.poll(20, TimeUnit.SECONDS);
      if (worker == null) {
        throw new AssertionError("no worker was started");
      }
      return worker;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  boolean noneStarted() {
    return started.isEmpty();
  }

  @Override
  public Isolation isolation() {
    return new Isolation("none", List.of(), List.of());
  }

  @Override
  public SandboxProcess start(SandboxSpec spec, Runnable underWay) {
    RuntimeException refused = refusal;
    if (refused != null) {
      refusals.incrementAndGet();
      throw refused;
    }
    underWay.run();
    var worker = new FakeWorker(spec, socket());
    bySocket.put(worker.output, worker);
    return worker;
  }

  /** One end of a connection whose other end is closed. */
  private static SocketChannel socket() {
    try {
      Path folder = Files.createTempDirectory("berth");
      var address = UnixDomainSocketAddress.of(folder.resolve("s"));
      try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
        server.bind(address);
        SocketChannel.open(address).close();
        return server.accept();
      } finally {
        Files.delete(folder.resolve("s"));
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public WorkerChannel open(
      SocketChannel socket,
      ChannelLoop loop,
      PluginId plugin,
      String name,
      ChannelLimits limits,
      ChannelListener listener) {
    FakeWorker worker = bySocket.get(socket);
    worker.listen(listener);
    all.add(worker);
    script.accept(worker);
    started.add(worker);
    return worker;
  }

  @Override
  public void close() {}
}
