package dev.berth.host.install;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DependencyRequirementTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "requests",
        "requests>=2.31.0",
        "beautifulsoup4 >= 4.12.0 , < 5",
        "aiohttp[speedups, brotli]~=3.9",
        "Foo.Bar-baz_qux (>=1,<2)",
        "x===1.0+local",
        "a!=1.*,>=0.5rc1",
        "tomli>=1.1; python_version < '3.11' and (sys_platform == \"linux\")",
        "a ; extra == 'x'"
      })
  void requirements_by_name_are_taken(String text) {
    assertThat(DependencyRequirement.parseAll(List.of(text)))
        .singleElement()
        .satisfies(requirement -> assertThat(requirement.text()).isEqualTo(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-r other.txt",
        "--index-url http://evil/simple",
        "-e .",
        "requests --hash=sha256:00",
        "requests>=1 --no-binary :all:",
        "git+https://example.org/x",
        "x @ https://example.org/x.whl",
        "x@file:///etc/passwd",
        "https://example.org/x-1.0-py3-none-any.whl",
        "file:///tmp/x.whl",
        "./local",
        "../local",
        "/abs/path.whl",
        "local/x.whl",
        "x\\",
        "x>=1\ny",
        "x>=1\r-r other",
        "x==${HOME}",
        "x; python_version < '3' @ y",
        "x>=",
        ">=1",
        "x 1.0",
        "-x",
        "x-",
        "x\u202e",
        "\u212aelvin",
        "x==\u0661"
      })
  void anything_else_is_refused_and_named(String text) {
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> DependencyRequirement.parseAll(List.of("fine", text)))
        .satisfies(e -> {
          assertThat(e.code()).isEqualTo(ErrorCode.DEPENDENCY_INVALID);
          assertThat(e.getMessage())
              .contains("is not of the form 'name>=1.0'")
              .doesNotContain("\n", "\r", "\u202e");
        });
  }

  @Test
  void a_message_shows_the_line() {
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> DependencyRequirement.parseAll(List.of("-r more.txt")))
        .withMessage(
            "The dependency '-r more.txt' is not of the form 'name>=1.0' (PEP 508). Links, paths,"
                + " other files and options are not taken: everything comes from the operator's"
                + " package index.");
  }

  @Test
  void length_and_number_are_bounded() {
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> DependencyRequirement.parseAll(List.of("x".repeat(501))));
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() ->
            DependencyRequirement.parseAll(
                java.util.stream.IntStream.range(0, 201).mapToObj(i -> "p" + i).toList()))
        .withMessage("The plugin has 201 dependencies; 200 at most.");
    // The same one as often as may be counts once.
    assertThat(DependencyRequirement.parseAll(Collections.nCopies(1000, "x>=1 # why")))
        .containsExactly(new DependencyRequirement("x>=1", "x"));
  }

  @Test
  void a_hostile_line_is_refused_without_searching_long() {
    String hostile = "a" + "-._".repeat(160) + "!";
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> DependencyRequirement.parseAll(List.of(hostile)));
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(
            () -> DependencyRequirement.parseAll(List.of("a>=1" + " ,>=1 ".repeat(80) + "@")));
  }
}
