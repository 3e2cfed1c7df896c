package dev.berth.host.store;

import static dev.berth.api.TenantId.DEFAULT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredKeysTest {
  @TempDir Path dir;

  @Test
  void a_key_opens_until_it_is_revoked_also_after_a_restart() {
    AccessKeys.Created ci;
    AccessKeys.Created ops;
    try (Store store = Store.open(dir)) {
      ci = store.keys().create(DEFAULT, "ci");
      ops = store.keys().create(Rows.OTHER, "ops");
      assertThat(ci.secret()).matches("berth_[0-9a-v]{10}_[0-9A-Za-z_-]{43}").hasSize(60);
      assertThat(store.keys().verify(ci.secret())).contains(ci.key());
    }
    try (Store store = Store.open(dir)) {
      AccessKeys keys = store.keys();
      assertThat(keys.list()).containsExactlyInAnyOrder(ci.key(), ops.key());
      assertThat(keys.verify(ops.secret())).contains(ops.key());
      assertThat(keys.revoke(ci.key().id())).isTrue();
      assertThat(keys.revoke(ci.key().id())).isFalse();
      assertThat(keys.verify(ci.secret())).isEmpty();
      assertThat(keys.verify(ops.secret())).contains(ops.key());
    }
  }

  @Test
  void what_another_process_does_to_them_counts_within_a_second() {
    var now = new AtomicLong();
    try (Store _ = Store.open(dir);
        var database = new Database(dir.resolve("berth.db"), Duration.ofSeconds(10))) {
      AccessKeys keys = new StoredKeys(database, now::get);
      AccessKeys.Created made = Store.withKeys(dir, others -> others.create(DEFAULT, "ci"));
      now.addAndGet(1_000_000_001);
      assertThat(keys.verify(made.secret())).contains(made.key());
      boolean revoked = Store.withKeys(dir, others -> others.revoke(made.key().id()));
      assertThat(revoked).isTrue();
      now.addAndGet(1_000_000_001);
      assertThat(keys.verify(made.secret())).isEmpty();
      assertThat(keys.list()).isEmpty();
    }
  }

  @Test
  void what_is_almost_a_key_does_not_open() {
    try (Store store = Store.open(dir)) {
      String secret = store.keys().create(DEFAULT, "ci").secret();
      String other = store.keys().create(DEFAULT, "two").secret();
      for (int i = 0; i < secret.length(); i++) {
        char flipped = secret.charAt(i) == 'a' ? 'b' : 'a';
        assertThat(store.keys().verify(secret.substring(0, i) + flipped + secret.substring(i + 1)))
            .isEmpty();
      }
      // The id of one with the secret part of another.
      assertThat(store.keys().verify(secret.substring(0, 17) + other.substring(17))).isEmpty();
      for (String wrong :
          new String[] {
            "", " ", secret + "a", secret + " ", secret.substring(1), "berth_", "x".repeat(100_000)
          }) {
        assertThat(store.keys().verify(wrong)).isEmpty();
      }
    }
  }

  @Test
  void the_secret_is_not_on_disk() throws Exception {
    String secret;
    try (Store store = Store.open(dir)) {
      secret = store.keys().create(DEFAULT, "ci").secret();
    }
    String database =
        new String(Files.readAllBytes(dir.resolve("berth.db")), StandardCharsets.ISO_8859_1);
    assertThat(database).contains(secret.substring(6, 16)).doesNotContain(secret.substring(17));
  }

  @Test
  void a_key_needs_a_name() {
    try (Store store = Store.open(dir)) {
      for (String name : new String[] {"", " \t", "x".repeat(101)}) {
        assertThatExceptionOfType(PluginException.class)
            .isThrownBy(() -> store.keys().create(DEFAULT, name))
            .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_REQUEST));
      }
      assertThat(store.keys().list()).isEmpty();
    }
  }
}
