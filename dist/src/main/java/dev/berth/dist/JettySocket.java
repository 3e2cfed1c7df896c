package dev.berth.dist;

import dev.berth.channel.ChannelLoop;
import java.io.IOException;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A plugin's socket on one of Jetty's selectors. Its handler does its work while Jetty asks what is
 * to be done, on the selector's thread; Jetty is given no task to run after it.
 */
final class JettySocket implements ChannelLoop.Registration {
  private static final Logger LOG = LoggerFactory.getLogger(JettySocket.class);

  private final ManagedSelector selector;
  private final Scheduler scheduler;
  private final Executor elsewhere;
  private final SocketChannel socket;
  private final ChannelLoop.Handler handler;
  private final Consumer<JettySocket> onGone;
  private final Place place = new Place();
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile @Nullable SelectionKey key;
  private volatile @Nullable Thread loop;
  private volatile boolean writeWanted;

  JettySocket(
      ManagedSelector selector,
      Scheduler scheduler,
      Executor elsewhere,
      SocketChannel socket,
      ChannelLoop.Handler handler,
      Consumer<JettySocket> onGone) {
    this.selector = selector;
    this.scheduler = scheduler;
    this.elsewhere = elsewhere;
    this.socket = socket;
    this.handler = handler;
    this.onGone = onGone;
  }

  void register() {
    if (selector.isRunning()) {
      selector.submit(this::registerWith);
    } else {
      fail(new ClosedChannelException());
    }
  }

  private void registerWith(Selector target) {
    loop = Thread.currentThread();
    try {
      socket.configureBlocking(false);
      key = socket.register(target, interest(), place);
      // Wanted between the line before and this one, and not seen by it.
      if (writeWanted) {
        wantWrite();
      }
    } catch (IOException | RuntimeException e) {
      fail(e);
    }
  }

  private int interest() {
    return writeWanted ? SelectionKey.OP_READ | SelectionKey.OP_WRITE : SelectionKey.OP_READ;
  }

  @Override
  public void wantWrite() {
    writeWanted = true;
    SelectionKey now = key;
    if (now == null || closed.get()) {
      return;
    }
    if (inLoop()) {
      addInterest(SelectionKey.OP_WRITE);
    } else {
      // Through the selector's queue, since a change made from outside does not end its wait.
      selector.submit(_ -> addInterest(SelectionKey.OP_WRITE));
    }
  }

  private void addInterest(int operation) {
    SelectionKey now = key;
    if (now != null && !closed.get()) {
      try {
        var _ = now.interestOpsOr(operation);
      } catch (CancelledKeyException e) {
        fail(e);
      }
    }
  }

  @Override
  public void stopReading() {
    SelectionKey now = key;
    if (now != null && !closed.get()) {
      try {
        var _ = now.interestOpsAnd(~SelectionKey.OP_READ);
      } catch (CancelledKeyException e) {
        fail(e);
      }
    }
  }

  @Override
  public void startReading() {
    addInterest(SelectionKey.OP_READ);
  }

  @Override
  public void wakeAt(long nanoTime) {
    long wait = Math.max(0, nanoTime - System.nanoTime());
    var _ =
        scheduler.schedule(
            () -> execute(() -> guarded(handler::onTimer)), wait, TimeUnit.NANOSECONDS);
  }

  @Override
  public void execute(Runnable task) {
    if (!closed.get()) {
      selector.submit(_ -> {
        if (!closed.get()) {
          guarded(task);
        }
      });
    }
  }

  @Override
  public boolean inLoop() {
    return Thread.currentThread().equals(loop);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      release();
    }
  }

  private void release() {
    try {
      socket.close();
    } catch (IOException e) {
      LOG.debug("a plugin's socket did not close", e);
    }
    // A closed channel leaves its selector, and sends its end, at the next selection only.
    selector.submit(_ -> {});
    onGone.accept(this);
  }

  /** Closes the socket because its loop ends, and tells the handler. */
  void endFromLoop() {
    fail(new ClosedChannelException());
  }

  private void fail(Throwable cause) {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    release();
    if (inLoop()) {
      tellClosed(cause);
    } else if (selector.isRunning()) {
      selector.submit(_ -> tellClosed(cause));
    } else {
      elsewhere.execute(() -> tellClosed(cause));
    }
  }

  private void tellClosed(Throwable cause) {
    try {
      handler.onClosed(cause);
    } catch (RuntimeException e) {
      LOG.error("a plugin's channel failed while it was closed", e);
    }
  }

  /** Jetty would log what a handler throws and go on: for us the conversation is broken then. */
  private void guarded(Runnable work) {
    try {
      work.run();
    } catch (RuntimeException e) {
      LOG.error("a plugin's channel failed and is closed", e);
      fail(e);
    }
  }

  /** What Jetty sees. */
  private final class Place implements ManagedSelector.Selectable {
    @Override
    public @Nullable Runnable onSelected() {
      SelectionKey now = key;
      if (now == null || closed.get()) {
        return null;
      }
      loop = Thread.currentThread();
      int ready = now.readyOps();
      if ((ready & SelectionKey.OP_WRITE) != 0) {
        writeWanted = false;
        var _ = now.interestOpsAnd(~SelectionKey.OP_WRITE);
        guarded(handler::onWritable);
      }
      if ((ready & SelectionKey.OP_READ) != 0 && !closed.get()) {
        guarded(handler::onReadable);
      }
      return null;
    }

    @Override
    public void updateKey() {}

    @Override
    public void replaceKey(SelectionKey newKey) {
      key = newKey;
    }
  }
}
