"""What the end of a test run says, from reports as Surefire and pytest write them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get("BERTH_ROOT") or Path(__file__).resolve().parents[5])

JAVA = """<testsuite>
<testcase classname="dev.berth.A" name="good"/>
<testcase classname="dev.berth.A" name="left"><skipped message="needs&#10;root"/></testcase>
<testcase classname="dev.berth.A" name="bad"><failure message="short">java.lang.AssertionError: [503]
Expecting actual: 1
	at java.base/java.lang.Thread.run(Thread.java:1)
	at dev.berth.A.bad(A.java:7)
Caused by: java.io.IOException: gone
</failure></testcase>
</testsuite>"""


def count(folder: Path, steps: str = "") -> tuple[int, list[str]]:
    """Exit code and lines of a run over the reports in a folder."""
    failed = folder / "failed-steps"
    failed.write_text(steps)
    command = [sys.executable, str(ROOT / ".ci/count.py"), str(folder), str(failed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_a_failure_is_shown_with_its_message_and_the_places_of_our_own(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(JAVA)
    code, lines = count(tmp_path)
    assert code == 1
    assert lines == [
        "",
        "skipped  dev.berth.A.left: needs root",
        "FAILED   dev.berth.A.bad",
        "             java.lang.AssertionError: [503]",
        "             Expecting actual: 1",
        "             at dev.berth.A.bad(A.java:7)",
        "             Caused by: java.io.IOException: gone",
        "1 passed, 1 failed, 1 skipped",
    ]


def test_of_a_long_failure_the_middle_is_left_out(tmp_path: Path) -> None:
    text = "\n".join(f"line {n}" for n in range(100))
    report = f'<testsuite><testcase classname="t" name="n"><error>{text}</error></testcase></testsuite>'
    (tmp_path / "pytest-t.xml").write_text(report)
    code, lines = count(tmp_path, "pytest-t\n")
    assert code == 1
    assert [line.strip() for line in lines[2:27]] == [
        *(f"line {n}" for n in range(12)),
        "...",
        *(f"line {n}" for n in range(88, 100)),
    ]
    assert lines[-1] == "0 passed, 1 failed, 0 skipped"


def test_a_step_that_failed_without_a_test_counts_itself_and_so_does_a_run_of_nothing(tmp_path: Path) -> None:
    code, lines = count(tmp_path, "ruff\n")
    assert (code, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")
    code, lines = count(tmp_path)
    assert (code, lines[-2:]) == (1, ["FAILED   no test ran", "0 passed, 1 failed, 0 skipped"])
