package dev.berth.host.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequirementTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "requests",
        "requests>=2.31.0",
        "requests >= 2.31.0, < 3",
        "requests[security,socks]>=2.31",
        "requests (>=2.31)",
        "Foo.Bar_baz==1.*",
        "numpy~=1.26; python_version < '3.12'",
        "x===1.0.post1",
        "x!=1.0rc1,>1.0.dev3",
        "x==1!2.0+local.7",
        "colorama; sys_platform == \"win32\" and (python_version >= '3.8' or extra == 'cli')",
        "tzdata ; 'linux' not in sys_platform"
      })
  void takes_pep_508(String text) {
    assertThat(Requirement.parse(text).text()).isEqualTo(text);
  }

  @Test
  void names_are_normalised() {
    assertThat(Requirement.parse("Foo.Bar__baz-qux>=1").name()).isEqualTo("foo-bar-baz-qux");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-r other.txt",
        "--index-url=https://evil",
        "-e .",
        "./local",
        "../x.whl",
        "/abs/x.whl",
        "x @ https://evil/x.whl",
        "x@file:///etc",
        "git+https://evil/x.git",
        "https://evil/x.whl",
        "x=1.0",
        "x>=",
        "x>=1.0;",
        "x; python_version",
        "x; import_os == '1'",
        "x; python_version < '3' and",
        "x; (python_version < '3'",
        "x[",
        "x[a b]",
        "x>=1 --hash=sha256:00",
        "x\u0000",
        "x>=1\n-r y",
        "\u0445",
        "x>=1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
      })
  void refuses_the_rest(String text) {
    assertThatThrownBy(() -> Requirement.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("got \"");
  }

  @Test
  void reads_requirements_txt() {
    assertThat(
            RequirementsFile.read(
                """
                # what we need
                requests>=2.31.0   # http

                beautifulsoup4 \\
                  >=4.12.0
                aiohttp
                """
                    .getBytes(StandardCharsets.UTF_8)))
        .containsExactly("requests>=2.31.0", "beautifulsoup4   >=4.12.0", "aiohttp");
  }

  @Test
  void refuses_options_in_requirements_txt() {
    PluginException refused =
        catchThrowableOfType(
            PluginException.class,
            () ->
                RequirementsFile.read(
                    "--extra-index-url https://evil\nx\ny==1 --hash=sha256:ab\n./z\n"
                        .getBytes(StandardCharsets.UTF_8)));
    assertThat(refused.code()).isEqualTo(ErrorCode.DEPENDENCY_INVALID);
    assertThat(refused.getMessage())
        .isEqualTo(
            """
            requirements.txt has 3 problems:
            requirements.txt:1:1: options are not taken, only requirements such as requests>=2.31.0; got "--extra-index-url https://evil"
            requirements.txt:3:1: --hash is not taken; Berth locks what it installs with hashes of its own
            requirements.txt:4:1: paths and URLs are not taken, for packages come from the operator's index; got "./z\"\
            """);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''            | 3.11.7    | true
          >=3.9         | 3.11.7    | true
          >=3.9         | 3.9.0     | true
          >=3.9         | 3.8.20    | false
          >=3.9,<3.12   | 3.12.0    | false
          >=3.9, <3.12  | 3.11.7    | true
          ~=3.9         | 3.13.0    | true
          ~=3.9         | 4.0.0     | false
          ~=3.9.2       | 3.9.10    | true
          ~=3.9.2       | 3.10.0    | false
          ==3.11.*      | 3.11.7    | true
          ==3.11.*      | 3.12.1    | false
          ==3.11        | 3.11.0    | true
          ==3.11        | 3.11.7    | false
          !=3.11.*      | 3.11.7    | false
          !=3.11.6      | 3.11.7    | true
          >3.11         | 3.11.7    | true
          <=3.11        | 3.11.7    | false
          <3.14         | 3.14.0rc1 | false
          >=3.14        | 3.14.0rc1 | false
          >=3.14.0rc1   | 3.14.0rc2 | true
          >=3.14.0b4    | 3.14.0rc1 | true
          >=3.10        | 3.9.18    | false
          >=3           | 3.13.0+   | true
          """)
  void python_versions(String specifiers, String version, boolean expected) {
    assertThat(PythonVersions.satisfies(specifiers, version)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"3.9", ">=", ">=3.x", ">=3.9;", ">=3.9.*", "~=3", "=3.9", ">=3.9,", "^3.9"})
  void bad_python_versions(String specifiers) {
    assertThat(PythonVersions.problem(specifiers)).startsWith("expected Python versions such as ");
    assertThatThrownBy(() -> PythonVersions.satisfies(specifiers, "3.11.7"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
