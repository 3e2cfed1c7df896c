package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is written while a worker starts, and what is left of it where that fails. */
class RecordingTest {
  private final List<String> done = new ArrayList<>();
  private final PluginException locked = new PluginException(ErrorCode.STORE_UNAVAILABLE, "locked");

  private Recording recording() {
    return new Recording(() -> done.add("written"), () -> done.add("put back"), Runnable::run);
  }

  private Recording refused() {
    return new Recording(
        () -> {
          throw locked;
        },
        () -> done.add("put back"),
        Runnable::run);
  }

  @Test
  void what_a_sandbox_refused_before_it_began_was_never_written() {
    recording().putBack(new IllegalStateException("too weak"), null);
    assertThat(done).isEmpty();
  }

  @Test
  void what_was_begun_is_put_back_and_what_was_not_begun_is_written_at_the_end() {
    Recording begun = recording();
    begun.begin();
    begun.putBack(new IllegalStateException("import error"), null);
    recording().end();
    assertThat(done).containsExactly("written", "put back", "written");
  }

  @Test
  void what_the_registry_refused_is_not_put_back() {
    Recording begun = refused();
    begun.begin();
    assertThatThrownBy(begun::end).isSameAs(locked);
    var start = new IllegalStateException("import error");
    begun.putBack(start, null);
    assertThat(start.getSuppressed()).containsExactly(locked);
    assertThat(done).isEmpty();
  }
}
