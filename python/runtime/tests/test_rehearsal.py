"""A rehearsal goes through a plugin's life and leaves the process as it was. In a process of its own: it is about
what a process has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RUNTIME = Path(__file__).resolve().parents[1]

LEAVES_NOTHING = """
import asyncio, logging, os, sys, threading
from berth_runtime import call, rehearsal, rehearsed, worker

def state():
    root = logging.getLogger()
    files = sorted(os.listdir("/proc/self/fd"))
    return (sys.stdout, sys.stderr, list(sys.argv), list(sys.path), sys.dont_write_bytecode, list(root.handlers),
            root.level, call.port, call.current_id.get(None), threading.active_count(), files)

logging.getLogger().addHandler(logging.NullHandler())
del sys.modules["berth_runtime.rehearsed"]
rehearsal.gather()
before, modules = state(), set(sys.modules)
rehearsal.rehearse(3)
assert state() == before, (state(), before)
assert set(sys.modules) == modules, set(sys.modules) ^ modules
print("the same")
"""

FAILS_ALOUD = """
from berth_runtime import rehearsal
rehearsal._ENTRY["class"] = "Missing"
try:
    rehearsal.rehearse()
except ValueError as e:
    print(e)
"""

FILLS = """
from berth_runtime import rehearsal, worker
first = rehearsal.fill_gaps()
print(0 < len(first) < 32 * 4096, len(rehearsal.fill_gaps()) <= len(first))
"""


def _run(code: str) -> str:
    start = f"import sys; sys.path.insert(0, {str(RUNTIME)!r})\n"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", start + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_leaves_nothing_behind() -> None:
    assert _run(LEAVES_NOTHING) == "the same"


def test_a_rehearsal_that_fails_says_why() -> None:
    assert "Missing is not defined in rehearsed.py" in _run(FAILS_ALOUD)


def test_gaps_are_filled_once() -> None:
    assert _run(FILLS) == "True True"
