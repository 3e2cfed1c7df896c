package dev.berth.sandbox;

import dev.berth.api.SandboxExit;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A running worker, all of its processes taken together. */
public interface SandboxProcess {
  /** The connected stream socket it speaks the protocol on. The caller closes it. */
  SocketChannel channel();

  /**
   * What its processes write to file descriptors 1 and 2, one byte stream; ends with the worker.
   * The caller reads it without pause, dropping what is too much, and closes it.
   */
  SocketChannel output();

  /** Process id of the sandbox's first process, in the host's numbering. */
  long pid();

  /** Completed once, when no process of it is left, with how the worker ended. */
  CompletableFuture<SandboxExit> exited();

  /**
   * Why isolating it failed after it had connected, one clause: {@code could not apply Landlock:
   * …}. Null when it did not; known by the time of {@link #exited()}.
   */
  default @Nullable String failure() {
    return null;
  }

  /**
   * Kills every process of it at once. Returns at once; {@link #exited()} tells when it is done.
   */
  void kill();

  /** What it uses now. Zeroes where this host can't tell. */
  ResourceUsage usage();

  /** The CPU time of {@link #usage} alone, which costs no more than reading one small file. */
  long cpuNanos();
}
