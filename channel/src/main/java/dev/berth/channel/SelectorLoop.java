package dev.berth.channel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.PriorityQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A loop with a selector thread of its own, a daemon. */
public final class SelectorLoop implements ChannelLoop {
  private static final Logger LOG = LoggerFactory.getLogger(SelectorLoop.class);

  private record Timer(long at, Place place) {}

  private final Selector selector;
  private final Thread thread;
  private final ConcurrentLinkedQueue<Runnable> handedIn = new ConcurrentLinkedQueue<>();
  private volatile boolean closing;
  private volatile boolean ended;

  // Of the loop's thread only.
  private final ArrayDeque<Runnable> own = new ArrayDeque<>();
  private final PriorityQueue<Timer> timers =
      new PriorityQueue<>((a, b) -> Long.signum(a.at - b.at));

  /** Starts the thread. */
  public SelectorLoop() {
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new UncheckedIOException("No selector can be opened: " + e.getMessage(), e);
    }
    thread = Thread.ofPlatform().name("berth-channels").daemon().unstarted(this::run);
    thread.start();
  }

  @Override
  public Registration add(SocketChannel socket, Handler handler, Consumer<Registration> attach) {
    var place = new Place(socket, handler);
    attach.accept(place);
    execute(() -> register(place));
    return place;
  }

  private void register(Place place) {
    try {
      place.socket.configureBlocking(false);
      place.key = place.socket.register(selector, SelectionKey.OP_READ, place);
      if (place.writeWanted) {
        place.wantWrite();
      }
    } catch (IOException | RuntimeException e) {
      place.fail(e);
    }
  }

  private boolean onThread() {
    return Thread.currentThread().equals(thread);
  }

  private void execute(Runnable task) {
    if (onThread()) {
      own.add(task);
    } else {
      handedIn.add(task);
      selector.wakeup();
      if (ended) {
        runHandedIn(); // The thread may have looked for the last time before this came.
      }
    }
  }

  private void run() {
    try {
      while (!closing) {
        selector.select(this::serve, timeout());
        runTimers();
        runTasks();
      }
    } catch (IOException | RuntimeException | Error e) {
      LOG.error("The loop of the plugins' channels failed; every channel is closed", e);
    } finally {
      closing = true;
      closeAll();
    }
  }

  /** How long to wait, in ms as {@link Selector#select(long)} takes them: 0 is for ever. */
  private long timeout() {
    Timer next = timers.peek();
    if (next == null) {
      return 0;
    }
    long millis = (next.at - System.nanoTime() + 999_999) / 1_000_000;
    return Math.max(1, millis);
  }

  private void serve(SelectionKey key) {
    var place = (Place) key.attachment();
    try {
      int ready = key.readyOps();
      if ((ready & SelectionKey.OP_WRITE) != 0) {
        key.interestOpsAnd(~SelectionKey.OP_WRITE);
        place.handler.onWritable();
      }
      if ((ready & SelectionKey.OP_READ) != 0) {
        place.handler.onReadable();
      }
    } catch (CancelledKeyException e) {
      place.fail(e);
    } catch (RuntimeException e) {
      broken(place, e);
    }
  }

  private static void broken(Place place, RuntimeException cause) {
    LOG.error("A plugin's channel failed and is closed", cause);
    place.fail(cause);
  }

  private void runTimers() {
    if (timers.isEmpty()) {
      return;
    }
    long now = System.nanoTime();
    for (Timer next = timers.peek(); next != null && next.at - now <= 0; next = timers.peek()) {
      timers.remove();
      if (!next.place.closed.get()) {
        try {
          next.place.handler.onTimer();
        } catch (RuntimeException e) {
          broken(next.place, e);
        }
      }
    }
  }

  private void runTasks() {
    // Those handed in first: they may leave something to be sent, which the own ones send.
    runHandedIn();
    for (Runnable task = own.poll(); task != null; task = own.poll()) {
      runTask(task);
    }
  }

  private void runHandedIn() {
    for (Runnable task = handedIn.poll(); task != null; task = handedIn.poll()) {
      runTask(task);
    }
  }

  private static void runTask(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.error("A task of a plugin's channel failed", e);
    }
  }

  private void closeAll() {
    var cause = new ClosedChannelException();
    for (SelectionKey key : new ArrayList<>(selector.keys())) {
      ((Place) key.attachment()).fail(cause);
    }
    try {
      selector.close();
    } catch (IOException e) {
      LOG.warn("The selector of the plugins' channels could not be closed", e);
    }
    ended = true;
    runTasks(); // Sockets that were on their way in find the selector closed.
  }

  @Override
  public void close() {
    closing = true;
    selector.wakeup();
    if (!onThread()) {
      boolean interrupted = false;
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** A socket's place in this loop. */
  private final class Place implements Registration {
    private final SocketChannel socket;
    private final Handler handler;
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile @Nullable SelectionKey key;
    private volatile boolean writeWanted;

    Place(SocketChannel socket, Handler handler) {
      this.socket = socket;
      this.handler = handler;
    }

    @Override
    public void wantWrite() {
      writeWanted = true;
      SelectionKey current = key;
      if (current == null || closed.get()) {
        return; // Not registered yet: register() looks at writeWanted.
      }
      try {
        current.interestOpsOr(SelectionKey.OP_WRITE);
      } catch (CancelledKeyException e) {
        return; // Closed in between.
      }
      if (!inLoop()) {
        selector.wakeup();
      }
    }

    @Override
    public void stopReading() {
      interest(false);
    }

    @Override
    public void startReading() {
      interest(true);
    }

    private void interest(boolean reading) {
      SelectionKey current = key;
      if (current == null || closed.get()) {
        return;
      }
      try {
        if (reading) {
          current.interestOpsOr(SelectionKey.OP_READ);
        } else {
          current.interestOpsAnd(~SelectionKey.OP_READ);
        }
      } catch (CancelledKeyException e) {
        return; // Closed in between.
      }
    }

    @Override
    public void wakeAt(long nanoTime) {
      Runnable add = () -> timers.add(new Timer(nanoTime, this));
      if (inLoop()) {
        add.run();
      } else {
        SelectorLoop.this.execute(add);
      }
    }

    @Override
    public void execute(Runnable task) {
      SelectorLoop.this.execute(task);
    }

    @Override
    public boolean inLoop() {
      return onThread();
    }

    @Override
    public void close() {
      if (end()) {
        // Its timers would keep what belongs to it; and a registered socket is let go of by the
        // selector only when that looks at its keys again.
        SelectorLoop.this.execute(() -> timers.removeIf(timer -> timer.place.equals(this)));
      }
    }

    /** Closes the socket; false when it was closed before. */
    private boolean end() {
      if (!closed.compareAndSet(false, true)) {
        return false;
      }
      try {
        socket.close();
      } catch (IOException e) {
        LOG.debug("A plugin's socket could not be closed in order", e);
      }
      return true;
    }

    /** Ends it for a reason of the loop's, and says so. */
    void fail(Throwable cause) {
      if (end()) {
        try {
          handler.onClosed(cause);
        } catch (RuntimeException e) {
          LOG.error("A plugin's channel failed while it was closed", e);
        }
      }
    }
  }
}
