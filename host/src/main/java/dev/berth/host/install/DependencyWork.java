package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import dev.berth.sandbox.PythonInterpreter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * One run of uv or pip after another, with one time limit over all of them. Every process it starts
 * ends with it: when the time is up, when the caller is interrupted, and when this host dies.
 */
final class DependencyWork {
  private static final int KEPT_LINES = 400;
  private static final int KEPT_CHARACTERS = 2000;

  /**
   * Runs a command in a session of its own, and kills all of it as soon as standard input ends, as
   * it does when the host dies. It ends after the command, so that nobody else has to reap that,
   * which may take seconds. The largest file it may write is 4 GiB.
   */
  private static final String WATCH =
      """
      import os, resource, signal, subprocess, sys, threading
      os.setsid()
      resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
      soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
      if hard == resource.RLIM_INFINITY or hard > 1 << 32:
          resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 32, 1 << 32))
      child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
      def watch():
          while os.read(0, 1):
              pass
          os.killpg(child.pid, signal.SIGKILL)
      threading.Thread(target=watch, daemon=True).start()
      code = child.wait()
      sys.stdout.flush()
      os._exit(code if code >= 0 else 128 - code)
      """;

  /**
   * How a command ended.
   *
   * @param lines the last lines it printed, to either stream
   */
  record Ended(int code, List<String> lines) {}

  private final Path folder;
  private final PythonInterpreter python;
  private final PythonInterpreter target;
  private final InstallProgress progress;
  private final Duration limit;
  private final long deadline;

  /**
   * @param folder for temporary files
   * @param python runs the tools
   * @param target is to import what they install
   */
  DependencyWork(
      Path folder,
      PythonInterpreter python,
      PythonInterpreter target,
      InstallProgress progress,
      Duration limit) {
    this.folder = folder;
    this.target = target;
    this.python = python;
    this.progress = progress;
    this.limit = limit;
    this.deadline = System.nanoTime() + limit.toNanos();
  }

  Path folder() {
    return folder;
  }

  PythonInterpreter python() {
    return python;
  }

  PythonInterpreter target() {
    return target;
  }

  void tell(String message) {
    progress.onStep("dependencies", Text.printable(message.strip(), 200));
  }

  /**
   * Runs {@code command} to its end.
   *
   * @param environment all of it
   * @param telling whether its lines are passed on to who waits
   * @throws PluginException {@code dependency_index_unreachable} when the time is up, {@code
   *     cancelled} when this thread is interrupted
   */
  Ended run(List<String> command, Map<String, String> environment, boolean telling)
      throws IOException {
    var watched = new ArrayList<String>();
    watched.addAll(List.of(python.executable().toString(), "-I", "-S", "-c", WATCH));
    watched.addAll(command);
    var builder = new ProcessBuilder(watched).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().putAll(environment);
    builder.environment().put("TMPDIR", folder.toString());
    Process process = builder.start();
    var kept = new ArrayDeque<String>();
    boolean ended = false;
    try {
      Thread reader =
          Thread.ofVirtual().name("dependency-output").start(() -> read(process, kept, telling));
      ended = process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (!ended) {
        throw new PluginException(
            ErrorCode.DEPENDENCY_INDEX_UNREACHABLE,
            "The dependencies were not there after "
                + limit.toSeconds()
                + " s. Look at the package index and the network, then try again.");
      }
      // Its output ends with it, or nearly.
      boolean read = reader.join(Duration.ofSeconds(5));
      if (!read) {
        throw new IOException("a process that has ended is still writing");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PluginException(
          ErrorCode.CANCELLED, "Installing the dependencies was cancelled.", e);
    } finally {
      if (!ended) {
        end(process);
      }
    }
    synchronized (kept) {
      return new Ended(process.exitValue(), List.copyOf(kept));
    }
  }

  /** Kills the process and what it started, and waits until all of it is gone. */
  private static void end(Process process) throws IOException {
    List<ProcessHandle> all =
        Stream.concat(Stream.of(process.toHandle()), process.descendants()).toList();
    process.getOutputStream().close(); // what WATCH waits for
    for (ProcessHandle one : all) {
      try {
        one.onExit().orTimeout(5, TimeUnit.SECONDS).join();
      } catch (CompletionException e) {
        one.destroyForcibly();
      }
    }
  }

  private void read(Process process, ArrayDeque<String> kept, boolean telling) {
    try (var out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      var line = new StringBuilder();
      for (int c = out.read(); c >= 0; c = out.read()) {
        if (c != '\n' && c != '\r') {
          if (line.length() < KEPT_CHARACTERS) {
            line.append((char) c);
          }
        } else if (!line.isEmpty()) {
          keep(line.toString(), kept, telling);
          line.setLength(0);
        }
      }
      if (!line.isEmpty()) {
        keep(line.toString(), kept, telling);
      }
    } catch (IOException e) {
      // The process was ended while we read: there is nothing more to read.
      return;
    }
  }

  private void keep(String line, ArrayDeque<String> kept, boolean telling) {
    synchronized (kept) {
      if (kept.size() == KEPT_LINES) {
        kept.removeFirst();
      }
      kept.addLast(line);
    }
    if (telling) {
      tell(line);
    }
  }
}
