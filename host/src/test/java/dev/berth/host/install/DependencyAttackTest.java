package dev.berth.host.install;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.PluginException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Packages that are not what they should be, and an index that answers nothing or another thing
 * than it announced.
 */
class DependencyAttackTest extends DependencyTestBase {
  @ParameterizedTest
  @EnumSource
  void sup_08_a_source_archive_is_refused_and_its_setup_py_never_runs(Tool tool) throws Exception {
    Path proof = dir.resolve("setup-py-ran");
    wheels.source("berth_source", "1.0", "open(" + quoted(proof) + ", 'w').close()");
    PluginException e = refused(store(tool), "berth-source>=1");
    assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.DEPENDENCY_NO_WHEEL);
    assertThat(e)
        .hasMessageContaining(
            "The dependency berth-source>=1 has no wheel for " + Tool.PYTHON.abi())
        .hasMessageContaining(tool.name().toLowerCase(java.util.Locale.ROOT) + " says: ");
    assertThat(proof).doesNotExist();
    // Also below another one.
    wheels.wheel("berth_above", "1.0", "berth-source");
    assertThat(refused(store(tool), "berth-above").getMessage()).contains("berth-source");
    assertThat(proof).doesNotExist();
  }

  @ParameterizedTest
  @EnumSource
  void sup_11_a_wheel_with_startup_hooks_runs_nothing(Tool tool) throws Exception {
    Path proof = dir.resolve("hook-ran");
    String hook = "import os; open(" + quoted(proof) + ", 'a').write('x')";
    wheels.wheel(
        "berth_hook",
        "1.0",
        List.of(),
        Map.of(
            "evil.pth",
            hook + "\n",
            "sitecustomize.py",
            hook + "\n",
            "usercustomize/__init__.py",
            hook + "\n",
            "berth_hook.py",
            "VERSION = 1\n",
            "berth_hook-1.0.dist-info/entry_points.txt",
            "[console_scripts]\nberth-evil = berth_hook:main\npip = berth_hook:main\n",
            "berth_hook-1.0.data/scripts/berth-script",
            "#!python\n" + hook + "\n",
            "berth_hook-1.0.data/data/etc/berth.conf",
            "x"),
        Map.of());
    Path bin = Tool.PYTHON.executable().getParent();
    Set<String> programs = new TreeSet<>(List.of(bin.toFile().list()));
    var told = Collections.synchronizedList(new ArrayList<String>());
    DependencyStore store = store(tool);
    String lock = store.prepare(List.of("berth-hook"), (_, message) -> told.add(message));
    assertThat(proof).doesNotExist();
    assertThat(told)
        .contains(
            "left out the start-up hook evil.pth",
            "left out the start-up hook sitecustomize.py",
            "left out the start-up hook usercustomize");
    assertThat(python(store, lock, "import berth_hook; print(berth_hook.VERSION)")).isEqualTo("1");
    // Nor in a Python that is not isolated, even told to treat the folder as its own.
    String folder = store.directory(lock).toString();
    assertThat(
            Tool.python(
                Map.of("PYTHONPATH", folder),
                "-c",
                "import site; site.addsitedir("
                    + quoted(store.directory(lock))
                    + "); import berth_hook; print(2)"))
        .isEqualTo("2");
    assertThat(proof).doesNotExist();
    // Scripts and data stay in the folder.
    assertThat(new TreeSet<>(List.of(bin.toFile().list()))).isEqualTo(programs);
    try (Stream<Path> all = Files.walk(home)) {
      assertThat(all.map(p -> p.getFileName().toString())).doesNotContain("berth-evil", "pip");
    }
    assertThat(store.directory(lock).resolve("bin")).isDirectory();
  }

  @ParameterizedTest
  @EnumSource
  void sup_11_a_wheel_whose_record_does_not_match_is_refused(Tool tool) throws Exception {
    wheels.wheel(
        "berth_record",
        "1.0",
        List.of(),
        Map.of("berth_record.py", "VERSION = 'announced'\n"),
        Map.of("berth_record.py", "VERSION = 'delivered'\n"));
    PluginException e = refused(store(tool), "berth-record");
    // Either tool may notice before we do.
    assertThat(e.code())
        .as(e.getMessage())
        .isIn(ErrorCode.DEPENDENCY_INVALID, ErrorCode.DEPENDENCY_UNRESOLVABLE);
    assertThat(e).hasMessageContaining("berth_record.py");
  }

  @ParameterizedTest
  @EnumSource
  void a_wheel_that_would_write_outside_does_not(Tool tool) throws Exception {
    Path outside = dir.resolve("data").resolve("site").resolve("escaped.py");
    wheels.wheel(
        "berth_escape",
        "1.0",
        List.of(),
        Map.of("berth_escape.py", "", "../escaped.py", "x = 1\n", "../../escaped.py", "x = 1\n"),
        Map.of());
    try {
      DependencyStore store = store(tool);
      String lock = store.prepare(List.of("berth-escape"), InstallProgress.NONE);
      assertThat(data.resolve("site").toFile().list()).containsExactly(lock);
    } catch (PluginException e) {
      assertNothingLeft();
    }
    assertThat(outside).doesNotExist();
    try (Stream<Path> all = Files.walk(dir)) {
      assertThat(all.filter(p -> p.endsWith("escaped.py"))).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_file_that_is_not_the_announced_one_is_refused(Tool tool) throws Exception {
    wheels.wheel("berth_lie", "1.0");
    try (var index = new LoopbackIndex(wheels.folder(), LoopbackIndex.Manner.LYING)) {
      PluginException e = refused(store(tool.at(index.url(), home)), "berth-lie");
      assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.DEPENDENCY_UNRESOLVABLE);
      assertThat(e).hasMessageContaining("is not the one it announced");
    }
  }

  @ParameterizedTest
  @EnumSource
  void an_index_that_never_answers_is_given_up_on_and_no_process_stays(Tool tool) throws Exception {
    try (var index = new LoopbackIndex(wheels.folder(), LoopbackIndex.Manner.SILENT)) {
      var store =
          new DependencyStore(data, Tool.PYTHON, tool.at(index.url(), home), Duration.ofSeconds(4));
      PluginException e = refused(store, "berth-slow");
      assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.DEPENDENCY_INDEX_UNREACHABLE);
      assertThat(e).hasMessageContaining("not there after 4 s");
      assertThat(index.asked.getCount()).isZero();
      assertThat(running()).isEmpty();
    }
  }
}
