package dev.berth.host.install;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.PluginException;
import dev.berth.sandbox.PythonInterpreter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Dependencies from an index of our own, with both tools. */
class DependencyStoreTest extends DependencyTestBase {
  @ParameterizedTest
  @EnumSource
  void what_is_required_and_what_that_requires_can_be_imported(Tool tool) throws Exception {
    wheels.wheel("berth_top", "1.5", "berth-below>=2; python_version >= '3.9'");
    wheels.wheel("berth_top", "0.9");
    wheels.wheel("berth_below", "1.0");
    wheels.wheel("berth_below", "2.1");
    var told = Collections.synchronizedList(new ArrayList<String>());
    DependencyStore store = store(tool);
    String lock =
        store.prepare(
            List.of("# what it is for", "Berth.Top >= 1, <2  # comment", "", "berth_top>=1,<2"),
            (step, message) -> told.add(step + ": " + message));
    assertThat(
            python(
                store,
                lock,
                "import berth_top, berth_below; print(berth_top.VERSION, berth_below.VERSION)"))
        .isEqualTo("1.5 2.1");
    assertThat(store.locks()).containsExactly(lock);
    assertThat(told).isNotEmpty().allMatch(line -> line.startsWith("dependencies: "));
    assertThat(data.resolve("site").toFile().list()).containsExactly(lock);
    assertThat(store.directory(lock).resolve("berth-lock.txt"))
        .content()
        .matches(
            "(?s)# [a-z0-9_-]+\nberth-below==2.1 --hash=sha256:[0-9a-f]{64}.*\nberth-top==1.5 --hash=.*");
  }

  @ParameterizedTest
  @EnumSource
  void the_folder_is_read_only_and_compiled(Tool tool) throws Exception {
    wheels.wheel(
        "berth_pack",
        "1",
        List.of(),
        Map.of("berth_pack/__init__.py", "", "berth_pack/inner/deep.py", "def f(): raise KeyError"),
        Map.of());
    DependencyStore store = store(tool);
    String lock = store.prepare(List.of("berth-pack"), InstallProgress.NONE);
    Path folder = store.directory(lock);
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.toList()) {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
            .as("%s", path)
            .isEqualTo(Files.isDirectory(path) ? "r-xr-xr-x" : "r--r--r--");
        assertThat(Files.isSymbolicLink(path)).isFalse();
        if (path.toString().endsWith(".py")) {
          String module = path.getFileName().toString().replace(".py", "");
          try (Stream<Path> cached = Files.list(path.resolveSibling("__pycache__"))) {
            assertThat(cached.map(c -> c.getFileName().toString()))
                .as("bytecode of %s", path)
                .anyMatch(name -> name.startsWith(module + ".") && name.endsWith(".pyc"));
          }
        }
      }
    }
    // The bytecode is what is imported: its paths are those of the sandbox.
    assertThat(
            python(
                store,
                lock,
                "import marshal; b = open("
                    + quoted(folder.resolve("berth_pack/inner/__pycache__"))
                    + " + '/deep.' + sys.implementation.cache_tag + '.pyc', 'rb').read();"
                    + " print(b[4], marshal.loads(b[16:]).co_filename)"))
        .isEqualTo("1 /site/berth_pack/inner/deep.py");
  }

  @ParameterizedTest
  @EnumSource
  void one_lock_is_installed_once_however_many_want_it(Tool tool) throws Exception {
    wheels.wheel("berth_one", "1.0");
    wheels.wheel("berth_two", "1.0", "berth-one");
    DependencyStore store = store(tool);
    Callable<String> first = () -> store.prepare(List.of("berth-two==1.0"), InstallProgress.NONE);
    Callable<String> second =
        () -> store.prepare(List.of("berth_one>=1", "berth_two"), InstallProgress.NONE);
    var locks = new HashSet<String>();
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (var future : executor.invokeAll(List.of(first, second, first, second))) {
        locks.add(future.get());
      }
    }
    assertThat(locks).hasSize(1);
    String lock = locks.iterator().next();
    assertThat(data.resolve("site").toFile().list()).containsExactly(lock);
    Object inode = Files.getAttribute(store.directory(lock), "unix:ino");
    assertThat(store.prepare(List.of("berth-two"), InstallProgress.NONE)).isEqualTo(lock);
    assertThat(Files.getAttribute(store.directory(lock), "unix:ino")).isEqualTo(inode);
    // Another version is another lock, beside it.
    wheels.wheel("berth_one", "1.1");
    String newer = store.prepare(List.of("berth-two"), InstallProgress.NONE);
    assertThat(store.locks()).containsExactlyInAnyOrder(lock, newer);
    store.remove(lock);
    store.remove(lock);
    assertThat(store.locks()).containsExactly(newer);
    assertThat(data.resolve("site").toFile().list()).containsExactly(newer);
  }

  @ParameterizedTest
  @EnumSource
  void nothing_to_install_is_no_lock(Tool tool) throws Exception {
    wheels.wheel("berth_one", "1.0");
    DependencyStore store = store(tool);
    assertThat(store.prepare(List.of(), InstallProgress.NONE)).isNull();
    assertThat(store.prepare(List.of("  ", "# only words"), InstallProgress.NONE)).isNull();
    assertThat(store.locks()).isEmpty();
    assertNothingLeft();
  }

  @ParameterizedTest
  @EnumSource
  void what_is_required_on_other_pythons_only_is_an_empty_folder_for_this_one(Tool tool)
      throws Exception {
    wheels.wheel("berth_one", "1.0");
    DependencyStore store = store(tool);
    String lock = store.prepare(List.of("berth_one; python_version < '3'"), InstallProgress.NONE);
    assertThat(store.locks()).containsExactly(lock);
    assertThat(store.directory(lock).toFile().list()).containsExactly("berth-lock.txt");
    assertThat(store.isUsable(lock)).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void what_cannot_be_resolved_is_named(Tool tool) throws Exception {
    wheels.wheel("berth_one", "1.0");
    wheels.wheel("berth_left", "1.0", "berth-one>=2");
    PluginException e = refused(store(tool), "berth-one", "berth-nowhere>=3");
    assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.DEPENDENCY_UNRESOLVABLE);
    assertThat(e).hasMessageContaining("berth-nowhere>=3").hasMessageContaining("says: ");
    assertThat(e.details().get("requirements")).asString().contains("berth-nowhere>=3");
    e = refused(store(tool), "berth-one>=7");
    assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.DEPENDENCY_UNRESOLVABLE);
    assertThat(e).hasMessageContaining("The dependency berth-one>=7 can't be resolved");
    e = refused(store(tool), "berth-left");
    assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.DEPENDENCY_UNRESOLVABLE);
    assertThat(e).hasMessageContaining("berth-one");
    e = refused(store(tool), "berth-one==1.0", "berth-one!=1.0");
    assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.DEPENDENCY_UNRESOLVABLE);
  }

  @ParameterizedTest
  @EnumSource
  void an_index_serves_and_its_absence_is_said(Tool tool) throws Exception {
    wheels.wheel("berth_one", "1.0");
    String url;
    try (var index = new LoopbackIndex(wheels.folder(), LoopbackIndex.Manner.HONEST)) {
      url = index.url();
      DependencyStore store = store(tool.at(url, home));
      String lock = store.prepare(List.of("berth-one"), InstallProgress.NONE);
      assertThat(python(store, lock, "import berth_one; print(berth_one.VERSION)"))
          .isEqualTo("1.0");
      store.remove(lock);
    }
    PluginException e = refused(store(tool.at(url, home)), "berth-other");
    assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.DEPENDENCY_INDEX_UNREACHABLE);
    assertThat(e).hasMessageContaining("berth-other");
    try (var index = new LoopbackIndex(wheels.folder(), LoopbackIndex.Manner.FAILING)) {
      String withPassword = index.url().replace("http://", "http://me:hunter2@");
      e = refused(store(tool.at(withPassword, home)), "berth-third");
      assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.DEPENDENCY_INDEX_UNREACHABLE);
      assertThat(e.getMessage()).doesNotContain("hunter2");
    }
  }

  @Test
  void after_python_was_upgraded_a_folder_is_not_usable() throws Exception {
    wheels.wheel("berth_one", "1.0");
    DependencyStore store = store(Tool.PIP);
    String lock = store.prepare(List.of("berth-one"), InstallProgress.NONE);
    assertThat(store.isUsable(lock)).isTrue();
    assertThat(store.isUsable("0".repeat(64))).isFalse();
    var newer =
        new DependencyStore(
            data,
            new PythonInterpreter(Tool.PYTHON.executable(), "3.99.0", "cpython-399-any"),
            Tool.PIP.from(wheels.folder(), home),
            LONG);
    assertThat(newer.isUsable(lock)).isFalse();
    String again = newer.prepare(List.of("berth-one"), InstallProgress.NONE);
    assertThat(again).isNotEqualTo(lock);
    assertThat(newer.isUsable(again)).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void wheels_are_those_of_the_interpreter_that_imports_them(Tool tool) throws Exception {
    compiled("1.0", "cp312-cp312-manylinux_2_28_x86_64");
    compiled("1.0", "cp310-cp310-manylinux_2_17_x86_64");
    compiled("2.0", "cp312-cp312-manylinux_2_39_x86_64"); // of a newer C library
    wheels.wheel(
        "berth_top",
        "1",
        "berth-below; python_version < '3.12'",
        "berth-above; python_version >= '3.12'",
        "berth-speed",
        "berth-release");
    wheels.wheel("berth_below", "1");
    wheels.wheel("berth_above", "1");
    wheels.wheelFor(">=3.9", "berth_release", "1");
    wheels.wheelFor(">=3.12", "berth_release", "2");
    var inside =
        new PythonInterpreter(
            Path.of("/inside/python3"), "3.12.3", "cpython-312-x86_64-linux-gnu", "glibc-2.36");
    var older =
        new PythonInterpreter(
            Path.of("/inside/python3"), "3.10.1", "cpython-310-x86_64-linux-gnu", "glibc-2.31");
    DependencyStore store = store(tool);
    String lock = store.prepare(List.of("berth-top"), inside, InstallProgress.NONE);
    assertThat(modules(store, lock))
        .containsExactly("berth_above", "berth_release", "berth_speed", "berth_top");
    assertThat(store.directory(lock).resolve("berth_release.py")).content().contains("2");
    assertThat(store.directory(lock).resolve("berth_speed.py")).content().contains("1.0 cp312");
    assertThat(store.isUsable(lock, inside)).isTrue();
    assertThat(store.isUsable(lock, older)).isFalse();
    String other = store.prepare(List.of("berth-top"), older, InstallProgress.NONE);
    assertThat(modules(store, other))
        .containsExactly("berth_below", "berth_release", "berth_speed", "berth_top");
    assertThat(store.directory(other).resolve("berth_release.py")).content().contains("1");
    assertThat(store.directory(other).resolve("berth_speed.py")).content().contains("1.0 cp310");
    assertThat(store.isUsable(other, older)).isTrue();
  }

  private void compiled(String version, String tag) throws IOException {
    Path wheel =
        wheels.wheel(
            "berth_speed",
            version,
            List.of(),
            Map.of("berth_speed.py", "VERSION = '" + version + " " + tag + "'\n"),
            Map.of());
    Files.move(
        wheel, wheel.resolveSibling(wheel.getFileName().toString().replace("py3-none-any", tag)));
  }

  private static List<String> modules(DependencyStore store, String lock) throws IOException {
    try (Stream<Path> all = Files.list(store.directory(lock))) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> name.endsWith(".py"))
          .map(name -> name.replace(".py", ""))
          .sorted()
          .toList();
    }
  }

  @Test
  void without_uv_and_pip_the_remedy_is_said() throws Exception {
    Path venv = dir.resolve("venv");
    assertThat(Tool.python(Map.of(), "-I", "-m", "venv", "--without-pip", venv.toString()))
        .isEmpty();
    var python =
        new PythonInterpreter(venv.resolve("bin/python"), Tool.PYTHON.version(), Tool.PYTHON.abi());
    var store = new DependencyStore(data, python, Map.of("PATH", "/nonexistent"), LONG);
    PluginException e = refused(store, "berth-one");
    assertThat(e.code()).isEqualTo(ErrorCode.DEPENDENCY_TOOL_MISSING);
    assertThat(e).hasMessageContaining("Install uv").hasMessageContaining("python3-pip");
    TreeRemover.remove(venv);
  }

  @Test
  void an_operator_who_told_pip_where_packages_are_does_not_get_uv() throws Exception {
    wheels.wheel("berth_private", "1.0");
    Map<String, String> environment = Tool.UV.open(home);
    environment.keySet().removeIf(key -> key.startsWith("PIP_") || key.startsWith("UV_"));
    Path config = Files.createDirectories(home.resolve(".config/pip")).resolve("pip.conf");
    Files.writeString(config, "[global]\nno-index = true\nfind-links = " + wheels.folder() + "\n");
    var told = Collections.synchronizedList(new ArrayList<String>());
    store(environment).prepare(List.of("berth-private"), (_, message) -> told.add(message));
    assertThat(told).contains("resolving with pip");
  }

  @ParameterizedTest
  @EnumSource
  void the_specifications_sample_imports_its_dependencies(Tool tool) throws Exception {
    DependencyStore store = store(tool.open(home));
    String lock;
    try {
      lock =
          store.prepare(
              List.of("requests>=2.31.0", "beautifulsoup4>=4.12.0", "aiohttp"),
              InstallProgress.NONE);
    } catch (PluginException e) {
      if (e.code() == ErrorCode.DEPENDENCY_INDEX_UNREACHABLE) {
        System.out.println("SKIPPED with " + tool + ": " + e.getMessage());
      }
      assumeTrue(e.code() != ErrorCode.DEPENDENCY_INDEX_UNREACHABLE, e.getMessage());
      throw e;
    }
    assertThat(
            python(
                store,
                lock,
                "sys.path[:] = [p for p in sys.path if 'site-packages' not in p];"
                    + " import aiohttp, bs4, requests;"
                    + " print(bs4.BeautifulSoup('<p>hi</p>', 'html.parser').p.text,"
                    + " requests.__name__, aiohttp.__file__)"))
        .startsWith("hi requests " + store.directory(lock));
  }
}
