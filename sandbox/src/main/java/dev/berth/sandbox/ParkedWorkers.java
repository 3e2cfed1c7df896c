package dev.berth.sandbox;

import java.nio.file.attribute.UserPrincipal;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sandboxes of one launcher that are no plugin's yet, by the launcher's numbers for them. They
 * connect before they are needed, so that a start need not wait for it.
 */
final class ParkedWorkers {
  private static final Logger log = LoggerFactory.getLogger(ParkedWorkers.class);

  private final Rendezvous rendezvous;
  private final UserPrincipal ownUser;
  private final Map<Integer, CompletableFuture<Rendezvous.Guest>> guests =
      new ConcurrentHashMap<>();
  // Not on the caller's: to look up a user is to ask whatever the machine asks for its users.
  private final Executor threads =
      task -> Thread.ofVirtual().name("berth-parked-worker").start(task);

  /**
   * @param ownUser whom those come from that have no uid of their own
   */
  ParkedWorkers(Rendezvous rendezvous, UserPrincipal ownUser) {
    this.rendezvous = rendezvous;
    this.ownUser = ownUser;
  }

  /**
   * One is made.
   *
   * @param uid whom it will connect as; null for the host's own user
   * @param welcome run as soon as its token is waited for
   */
  void coming(int number, byte[] token, @Nullable Integer uid, Runnable welcome) {
    CompletableFuture<Rendezvous.Guest> expected =
        CompletableFuture.supplyAsync(
            () -> rendezvous.expect(token, uid == null ? ownUser : HostUser.principal(uid)),
            threads);
    guests.put(number, expected);
    var _ =
        expected
            .thenRun(welcome)
            .exceptionally(e -> {
              log.error("A parked worker can't be waited for", e);
              return null;
            });
  }

  /** It is a plugin's from now on; null where none with that number is coming. */
  Rendezvous.@Nullable Guest take(int number) {
    CompletableFuture<Rendezvous.Guest> expected = guests.remove(number);
    return expected == null ? null : expected.join(); // it could not have parked before
  }

  /** It has ended, or never was. */
  void lost(int number) {
    CompletableFuture<Rendezvous.Guest> expected = guests.remove(number);
    if (expected != null) {
      var _ = expected.thenAccept(rendezvous::dismiss);
    }
  }

  /** Their launcher is gone, and all of them with it. */
  void lostAll() {
    List.copyOf(guests.keySet()).forEach(this::lost);
  }
}
