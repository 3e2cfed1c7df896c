"""The `berth` script in a clone and in a release, with a Maven and a Java that only say what they were asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("BERTH_ROOT") or Path(__file__).resolve().parents[5])

MAVEN = """#!/bin/sh
echo build >> "$TEST_FOLDER/builds"
[ ! -e "$TEST_FOLDER/fail" ] || { echo "[ERROR] $TEST_FOLDER/A.java:[1,2] wrong"; exit 1; }
mkdir -p dist/target/berth/lib
sleep 0.3
touch dist/target/berth/lib/b.jar dist/target/berth/lib/a.jar dist/target/berth/lib/picocli-4.jar
"""

JAVA = """#!/bin/sh
for word in "$@"; do
  case $word in -XX:AOTCacheOutput=*) echo trained > "${word#*=}"; exit 0 ;; esac
done
for word in "$@"; do echo "$word"; done
"""


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one source, whose tools are fakes."""
    root = tmp_path / "clone"
    root.mkdir()
    for name in ("berth", ".jdk.sh"):
        shutil.copy(ROOT / name, root / name)
    (root / "pom.xml").write_text("<project/>")
    (root / "cli/src/main").mkdir(parents=True)
    (root / "cli/src/main/A.java").write_text("class A {}")
    executable(tmp_path / "bin/mvn", MAVEN)
    jdk = tmp_path / "jdk"
    executable(jdk / "bin/java", JAVA)
    executable(jdk / "bin/javac", "#!/bin/sh\n")
    (jdk / "release").write_text('JAVA_VERSION="25.0.1"\n')
    return root


def start(script: Path, *words: str, folder: Path) -> subprocess.Popen[str]:
    tmp = script.resolve().parent.parent
    environment = {
        "PATH": f"{tmp}/bin:{os.environ['PATH']}",
        "HOME": str(tmp),
        "JAVA_HOME": str(tmp / "jdk"),
        "TEST_FOLDER": str(tmp),
    }
    return subprocess.Popen(
        [str(script), *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(script: Path, *words: str, folder: Path) -> tuple[int, list[str], str]:
    process = start(script, *words, folder=folder)
    out, err = process.communicate(timeout=60)
    return process.returncode, out.splitlines(), err


def builds(clone: Path) -> int:
    log = clone.parent / "builds"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_it_builds_first_and_then_only_what_changed(clone: Path, tmp_path: Path) -> None:
    code, out, err = run(clone / "berth", "list", "--json", folder=tmp_path)
    assert code == 0, err
    assert out[-3:] == ["dev.berth.dist.Main", "list", "--json"]
    assert "building, about" in err
    assert builds(clone) == 1

    code, out, err = run(clone / "berth", "list", folder=tmp_path)
    assert (code, err, builds(clone)) == (0, "", 1)

    later = time.time() + 5
    os.utime(clone / "cli/src/main/A.java", (later, later))
    code, out, err = run(clone / "berth", "list", folder=tmp_path)
    assert "building what changed" in err
    assert builds(clone) == 2


def test_a_deleted_source_is_a_change(clone: Path, tmp_path: Path) -> None:
    run(clone / "berth", "list", folder=tmp_path)
    (clone / "cli/src/main/A.java").unlink()
    run(clone / "berth", "list", folder=tmp_path)
    assert builds(clone) == 2


def test_calls_at_once_build_once(clone: Path, tmp_path: Path) -> None:
    calls = [start(clone / "berth", "list", folder=tmp_path) for _ in range(5)]
    for call in calls:
        out, err = call.communicate(timeout=60)
        assert call.returncode == 0, err
        assert out.splitlines()[-1] == "list"
    assert builds(clone) == 1


def test_a_link_and_another_folder(clone: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "berth"
    link.parent.mkdir()
    link.symlink_to(clone / "berth")
    code, out, err = run(link, "list", folder=Path("/"))
    assert code == 0, err
    assert f"-Dberth.home={clone}" in out
    lib = clone / "dist/target/berth/lib"
    assert f"{lib}/picocli-4.jar:{lib}/a.jar:{lib}/b.jar" in out


def test_sqlites_library_is_taken_as_a_file_where_there_is_one(clone: Path, tmp_path: Path) -> None:
    _, out, _ = run(clone / "berth", "list", folder=tmp_path)
    assert not [word for word in out if word.startswith("-Dorg.sqlite")]
    native = clone / "dist/target/berth/native" / os.uname().machine
    native.mkdir(parents=True)
    _, out, _ = run(clone / "berth", "list", folder=tmp_path)
    assert f"-Dorg.sqlite.lib.path={native}" in out


def test_words_stay_as_they_were_typed(clone: Path, tmp_path: Path) -> None:
    context = '{"message": "a  b $HOME * \'"}'
    _, out, _ = run(clone / "berth", "execute", "dice", context, "", folder=tmp_path)
    assert out[-4:] == ["execute", "dice", context, ""]


def test_the_exit_code_is_javas(clone: Path, tmp_path: Path) -> None:
    run(clone / "berth", "list", folder=tmp_path)
    executable(tmp_path / "jdk/bin/java", "#!/bin/sh\nexit 5\n")
    assert run(clone / "berth", "list", folder=tmp_path)[0] == 5


def test_a_failed_build_says_where_and_is_tried_again(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "fail").touch()
    code, out, err = run(clone / "berth", "list", folder=tmp_path)
    assert (code, out) == (1, [])
    assert f"[ERROR] {tmp_path}/A.java:[1,2] wrong" in err
    assert str(clone / "target/build.log") in err
    (tmp_path / "fail").unlink()
    code, out, err = run(clone / "berth", "list", folder=tmp_path)
    assert code == 0, err
    assert builds(clone) == 2


def test_the_cache_is_used_and_a_failed_training_is_no_failure(clone: Path, tmp_path: Path) -> None:
    _, out, _ = run(clone / "berth", "serve", folder=tmp_path)
    cache = clone / "dist/target/berth/berth.aot"
    assert cache.read_text() == "trained\n"
    assert f"-XX:AOTCache={cache}" in out
    assert "-XX:TieredStopAtLevel=1" not in out
    _, out, _ = run(clone / "berth", "list", folder=tmp_path)
    assert "-XX:TieredStopAtLevel=1" in out

    executable(tmp_path / "jdk/bin/java", "#!/bin/sh\ncase $* in *AOTCacheOutput*) exit 1 ;; esac\n")
    (clone / "cli/src/main/B.java").write_text("class B {}")
    assert run(clone / "berth", "list", folder=tmp_path)[0] == 0
    assert not cache.exists()


def test_a_release_just_runs(clone: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    (release / "lib").mkdir(parents=True)
    (release / "lib/a.jar").touch()
    for name in ("berth", ".jdk.sh"):
        shutil.copy(ROOT / name, release / name)
    code, out, err = run(release / "berth", "list", folder=tmp_path)
    assert (code, err) == (0, "")
    assert f"{release}/lib/a.jar" in out
    assert builds(clone) == 0


def test_verify_says_what_it_does_before_it_does_anything(tmp_path: Path) -> None:
    shutil.copy(ROOT / "verify", tmp_path / "verify")
    for words, code in ((["--help"], 0), (["jave"], 2)):
        ran = subprocess.run([tmp_path / "verify", *words], capture_output=True, text=True, timeout=10)
        assert ran.returncode == code
        assert "Usage: ./verify [java|python]" in ran.stdout + ran.stderr
    assert "there is no half 'jave'" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["verify"]


def test_without_a_jdk_it_says_what_to_install(clone: Path, tmp_path: Path) -> None:
    script = (clone / ".jdk.sh").read_text().replace("/usr/lib/jvm/* /opt/*", "")
    (clone / ".jdk.sh").write_text(script)
    (tmp_path / "jdk/release").write_text('JAVA_VERSION="21.0.1"\n')
    code, out, err = run(clone / "berth", "list", folder=tmp_path)
    assert (code, out) == (1, [])
    assert "no JDK 25 found" in err
