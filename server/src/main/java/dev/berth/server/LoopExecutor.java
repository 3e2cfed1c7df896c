package dev.berth.server;

import java.util.concurrent.Executor;
import org.eclipse.jetty.io.Connection;

/**
 * Runs what Jetty wants run elsewhere: on a virtual thread, with one exception. When an answer is
 * completed from outside its request's own turn, Jetty hands the connection to its executor to go
 * on with the next request. Where that happens on a selector thread, as it does when a plugin's
 * socket is driven there too, the connection goes on at once: handing it over would cost each call
 * to a plugin a hop between threads.
 */
final class LoopExecutor implements Executor {
  /** A thread that drives sockets. */
  static final class LoopThread extends Thread {
    LoopThread(Runnable task, String name) {
      super(task, name);
    }
  }

  private final Executor elsewhere;

  LoopExecutor(Executor elsewhere) {
    this.elsewhere = elsewhere;
  }

  @Override
  public void execute(Runnable task) {
    if (task instanceof Connection && Thread.currentThread() instanceof LoopThread) {
      if (!Resumption.await(task)) {
        task.run();
      }
    } else {
      elsewhere.execute(task);
    }
  }
}
