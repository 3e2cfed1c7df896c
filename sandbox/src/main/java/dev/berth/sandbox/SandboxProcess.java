package dev.berth.sandbox;

import dev.berth.api.SandboxExit;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CompletableFuture;

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
   * Kills every process of it at once. Returns at once; {@link #exited()} tells when it is done.
   */
  void kill();

  /** What it uses now. Zeroes where this host can't tell. */
  ResourceUsage usage();
}
