package dev.berth.host.egress;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;

/** Keeps what a proxy tells: the connections it refused, and the bytes that it let pass. */
final class CountingListener implements EgressListener {
  final BlockingQueue<String> denials = new LinkedBlockingQueue<>();
  final AtomicLong received = new AtomicLong();
  final AtomicLong sent = new AtomicLong();

  @Override
  public void onDenied(String destination, String why) {
    denials.add(destination + ": " + why);
  }

  @Override
  public boolean mayMove(long in, long out) {
    received.addAndGet(in);
    sent.addAndGet(out);
    return true;
  }
}
