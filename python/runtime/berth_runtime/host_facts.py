"""Facts about the host that are no protection, but that decide how well plugins are kept. Quick, for each start."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import resource
import sys
from dataclasses import asdict, dataclass
from typing import Any

# What the runtime itself imports, and what plugins and their dependencies commonly do. Looked for, not imported:
# that would cost every launcher memory.
_NEEDED = ("asyncio", "concurrent", "_ctypes", "json", "logging", "_sqlite3", "_ssl", "zipfile", "zoneinfo")
_LEAST_FREE = 1 << 30
_LEAST_FILES = 4096
_TIME_ERROR = 5  # adjtimex(2)


@dataclass(frozen=True)
class Finding:
    """name: a stable word. what: one sentence. remedy: empty when nothing is to be done."""

    name: str
    ok: bool
    what: str
    remedy: str = ""

    def row(self) -> dict[str, Any]:
        return asdict(self)


def look(folder: str) -> list[Finding]:
    """All of them. folder: where the host keeps its data, or would; it need not exist."""
    return [_python(), _clock(), _swap(), overcommit(), _files(), _disk(folder)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    lacking = [name.lstrip("_") for name in _NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        return Finding(
            "python",
            False,
            f"Python {version} at {sys.executable} lacks {', '.join(lacking)}",
            "Install the whole standard library (Debian: apt install python3).",
        )
    return Finding("python", True, f"Python {version} at {sys.executable}")


def _clock() -> Finding:
    # struct timex: `modes` 0 asks only; the rest is room for the answer.
    state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(256)))
    if state == _TIME_ERROR:
        return Finding(
            "clock",
            False,
            "the clock is not kept in step with others; limits are not affected, times in logs and signatures are",
            "timedatectl set-ntp true",
        )
    return Finding("clock", state >= 0, "the clock is kept in step" if state >= 0 else "its state can't be read")


def _swap() -> Finding:
    try:
        with open("/proc/swaps", encoding="ascii", errors="replace") as f:
            on = len(f.read().splitlines()) > 1
    except OSError:
        on = False
    return Finding("swap", True, "swap is on; plugins get none" if on else "there is no swap")


def overcommit(setting: str = "/proc/sys/vm/overcommit_memory") -> Finding:
    """setting: where the kernel tells how it promises memory (Documentation/mm/overcommit-accounting.rst)."""
    try:
        with open(setting, encoding="ascii") as f:
            strict = f.read().strip() == "2"
    except OSError:
        strict = False
    if strict:
        return Finding(
            "overcommit",
            False,
            "the kernel promises no more memory than there is (vm.overcommit_memory=2), so a plugin can reserve,"
            " and leave unused, what others then can't have: no limit of a plugin's is on that",
            "sysctl vm.overcommit_memory=0",
        )
    return Finding("overcommit", True, "what a plugin reserves and doesn't use is nobody's loss")


def _files() -> Finding:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < _LEAST_FILES:
        return Finding(
            "open_files",
            False,
            f"the host may open {hard} files; each plugin takes several",
            "Raise it: LimitNOFILE=65536 in the systemd unit, or ulimit -n 65536.",
        )
    return Finding("open_files", True, f"the host may open {'any number of' if hard < 0 else hard} files")


def _disk(folder: str) -> Finding:
    place = os.path.abspath(folder)
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    system = os.statvfs(place)
    free = system.f_bavail * system.f_frsize
    return Finding(
        "disk",
        free >= _LEAST_FREE,
        f"{free >> 20} MiB are free where the data is kept",
        "" if free >= _LEAST_FREE else f"Free some space below {place}, or keep the data elsewhere: --data DIR.",
    )
