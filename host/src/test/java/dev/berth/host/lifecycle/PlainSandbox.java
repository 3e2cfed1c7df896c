package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.api.SandboxExit;
import dev.berth.sandbox.PythonInterpreter;
import dev.berth.sandbox.ResourceUsage;
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
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The real worker in a plain Python process: no isolation at all, for tests of what has nothing to
 * do with isolation, where the machine gives none or a parked child would hide something.
 */
final class PlainSandbox implements Sandbox {
  private static final String BOOT =
      """
      import os, socket, sys
      address, runtime, sdk, package, site = sys.argv[1:]
      sys.path[:0] = [runtime, sdk]
      from berth_runtime import plugin, worker
      real = {"/workspace": package, "/site": site}
      set_path, load_class = plugin.set_path, plugin.load_class
      plugin.set_path = lambda paths: set_path([real[p] for p in paths])
      plugin.load_class = lambda folder, main, name: load_class(real[folder], main, name)
      channel = socket.socket(socket.AF_UNIX); channel.connect(address)
      output = socket.socket(socket.AF_UNIX); output.connect(address)
      os.dup2(output.fileno(), 1); os.dup2(output.fileno(), 2)
      output.close()
      os._exit(worker.begin()(channel))
      """;

  private final Path folder;
  private final Set<Running> running = ConcurrentHashMap.newKeySet();

  /** What workers are said to run on; null for the host's, on which they run in truth. */
  volatile @Nullable PythonInterpreter python;

  /** Images that plugins name are fetched until this is open. */
  volatile CountDownLatch fetched = new CountDownLatch(0);

  /** Has one for each time that somebody waited for an image. */
  final Semaphore awaited = new Semaphore(0);

  PlainSandbox(Path folder) {
    this.folder = folder;
  }

  @Override
  public Isolation isolation() {
    return new Isolation("none", List.of(), List.of());
  }

  @Override
  public boolean hasImage(String image, Path packageDir) {
    return image.isEmpty() || fetched.getCount() == 0;
  }

  @Override
  public @Nullable PythonInterpreter python(
      String image, Path packageDir, Consumer<String> progress) {
    if (!hasImage(image, packageDir)) {
      awaited.release();
      try {
        fetched.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new PluginException(ErrorCode.CANCELLED, "no image", e);
      }
    }
    return python;
  }

  @Override
  public SandboxProcess start(SandboxSpec spec, Runnable underWay) {
    try {
      Files.createDirectories(spec.dataDir());
      Path address = Files.createTempFile(folder, "w", ".sock");
      Files.delete(address);
      Path python = repository().resolve("python");
      try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
        server.bind(UnixDomainSocketAddress.of(address));
        Process process =
            new ProcessBuilder(
                    "python3",
                    "-I",
                    "-S",
                    "-c",
                    BOOT,
                    address.toString(),
                    python.resolve("runtime").toString(),
                    python.resolve("sdk").toString(),
                    spec.packageDir().toString(),
                    String.valueOf(spec.siteDir()))
                .inheritIO()
                .start();
        underWay.run();
        CompletableFuture<Void> _ = process.onExit().thenRun(() -> unblock(address));
        SocketChannel channel = server.accept();
        SocketChannel output = server.accept();
        if (!process.isAlive()) {
          throw new IOException("the worker died");
        }
        var worker = new Running(process, channel, output);
        running.add(worker);
        return worker;
      } finally {
        Files.deleteIfExists(address);
      }
    } catch (IOException e) {
      throw new PluginException(ErrorCode.SANDBOX_UNAVAILABLE, "no worker: " + e, e);
    }
  }

  /** A worker that dies before it connects must not leave us waiting for it. */
  private static void unblock(Path address) {
    for (int i = 0; i < 2; i++) {
      try {
        SocketChannel.open(UnixDomainSocketAddress.of(address)).close();
      } catch (IOException _) {
        return; // It had connected, so nobody listens any more.
      }
    }
  }

  static Path repository() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(at.resolve("protocol"))) {
      at = at.getParent();
    }
    return at;
  }

  @Override
  public void close() {
    running.forEach(Running::kill);
    running.forEach(worker -> worker.exited().join());
  }

  private record Running(Process process, SocketChannel channel, SocketChannel output)
      implements SandboxProcess {
    @Override
    public long pid() {
      return process.pid();
    }

    @Override
    public CompletableFuture<SandboxExit> exited() {
      return process
          .onExit()
          .thenApply(ended -> {
            int code = ended.exitValue();
            return code > 128 ? new SandboxExit.Killed(code - 128) : new SandboxExit.Exited(code);
          });
    }

    @Override
    public void kill() {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }

    @Override
    public long cpuNanos() {
      return usage().cpuNanos();
    }

    @Override
    public ResourceUsage usage() {
      return ResourceUsage.NONE;
    }
  }
}
