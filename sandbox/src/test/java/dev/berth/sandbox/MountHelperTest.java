package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.io.IOException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

final class MountHelperTest {
  @Test
  void what_a_helper_says_when_it_breaks_is_in_the_log() throws Exception {
    var said = new LinkedBlockingQueue<String>();
    var appender =
        new AppenderBase<ILoggingEvent>() {
          @Override
          protected void append(ILoggingEvent event) {
            said.add(event.getFormattedMessage());
          }
        };
    var log = (Logger) LoggerFactory.getLogger(HostPython.class);
    appender.start();
    log.addAppender(appender);
    try {
      var program = new ProcessBuilder("sh", "-c", "echo 'IndexError: torn' >&2; exit 1");
      assertThatThrownBy(() -> MountHelper.launch(program))
          .isInstanceOf(IOException.class)
          .hasMessage("the helper ended");
      assertThat(said.poll(10, TimeUnit.SECONDS)).isEqualTo("mount-helper: IndexError: torn");
    } finally {
      log.detachAppender(appender);
    }
  }
}
