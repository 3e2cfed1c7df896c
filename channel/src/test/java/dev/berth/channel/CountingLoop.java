package dev.berth.channel;

import java.nio.channels.SocketChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** A loop that says how often its sockets were left unread. */
final class CountingLoop implements ChannelLoop {
  final AtomicInteger stops = new AtomicInteger();
  final CompletableFuture<Void> stopped = new CompletableFuture<>();
  private final ChannelLoop real;

  CountingLoop(ChannelLoop real) {
    this.real = real;
  }

  @Override
  public Registration add(SocketChannel socket, Handler handler, Consumer<Registration> attach) {
    return real.add(socket, handler, place -> attach.accept(new Place(place)));
  }

  @Override
  public void close() {
    real.close();
  }

  private final class Place implements Registration {
    private final Registration place;

    Place(Registration place) {
      this.place = place;
    }

    @Override
    public void stopReading() {
      place.stopReading();
      stops.incrementAndGet();
      stopped.complete(null);
    }

    @Override
    public void startReading() {
      place.startReading();
    }

    @Override
    public void wantWrite() {
      place.wantWrite();
    }

    @Override
    public void wakeAt(long nanoTime) {
      place.wakeAt(nanoTime);
    }

    @Override
    public void execute(Runnable task) {
      place.execute(task);
    }

    @Override
    public boolean inLoop() {
      return place.inLoop();
    }

    @Override
    public void close() {
      place.close();
    }
  }
}
