package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.OutputStreamAppender;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;

/** What the host's log makes of what strangers wrote, whichever library quotes it. */
class HostLogTest {
  private final LoggerContext context = new LoggerContext();
  private PatternLayoutEncoder encoder;

  @BeforeEach
  void configure() throws Exception {
    var configurator = new JoranConfigurator();
    configurator.setContext(context);
    configurator.doConfigure(Main.class.getResource("/logback.xml"));
    var appender =
        (OutputStreamAppender<ILoggingEvent>)
            context.getLogger(Logger.ROOT_LOGGER_NAME).getAppender("STDERR");
    encoder = (PatternLayoutEncoder) appender.getEncoder();
  }

  @AfterEach
  void stop() {
    context.stop();
  }

  private String line(String message, Throwable failure) {
    var event =
        new LoggingEvent(
            "x", context.getLogger("some.Library"), Level.WARN, message, failure, new Object[0]);
    return encoder.getLayout().doLayout(event);
  }

  @Test
  void a_message_is_one_line_of_bounded_length_without_control_characters() {
    String line = line("Bad [/a\u009b31mEVIL\u202e\n12:00:00.000 INFO forged\u001b[2J] ü", null);
    assertThat(line)
        .endsWith("WARN  Library: Bad [/a?31mEVIL??12:00:00.000 INFO forged?[2J] ü\n")
        .hasLineCount(1);
    assertThat(line("A".repeat(100_000), null)).hasSizeLessThan(5_000);
  }

  @Test
  void a_stack_trace_keeps_its_lines_and_comes_once() {
    String text = line("failed", new IllegalStateException("of \u202e\u001b[31m"));
    assertThat(text).contains("failed\njava.lang.IllegalStateException: of ??[31m\n\tat ");
    assertThat(text.split("IllegalStateException", -1)).hasSize(2);
  }

  @Test
  void jettys_word_on_an_authority_is_not_heard() {
    assertThat(context.getLogger("org.eclipse.jetty.util.HostPort").isErrorEnabled()).isFalse();
  }
}
