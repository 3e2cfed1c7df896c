"""Keeps the host's second compiler from the CPU while plugins start one after the other, as after a crash.

What it compiles runs already, only slower, so it can wait; while a hundred plugins came back it took a
twentieth of the host's CPU time. Where nobody else wants the CPU, it goes on meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Callable, Iterator

from berth_runtime.cgroups import read

_COMPILER = "C2 CompilerThre"  # HotSpot's name for its threads, as far as the kernel keeps it (15 bytes)
_LAST = 19  # of nice(2)
_QUIET_SECONDS = 0.3  # without a start
_LONGEST_SECONDS = 20.0
_CAP_SYS_NICE = 23


class Postponement:
    """From its making until no plugin has started for a while. Not for use by several threads."""

    def __init__(self, host: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._host = host
        self._clock = clock
        self._begun = self._last_start = clock()
        self._on = _may_undo()
        if self._on:
            self._set(_LAST)

    def started(self) -> None:
        """A plugin starts."""
        self._last_start = self._clock()

    def next(self) -> float | None:
        """Seconds until look() is due; None when it is over."""
        return max(0.0, self._due() - self._clock()) if self._on else None

    def look(self) -> None:
        """Ends it, if it is time to."""
        if self._on and self._clock() >= self._due():
            self._on = False
            # As the host's other threads: the operator may have started it with a nice of its own.
            self._set(os.getpriority(os.PRIO_PROCESS, self._host))

    def _due(self) -> float:
        return min(self._last_start + _QUIET_SECONDS, self._begun + _LONGEST_SECONDS)

    def _set(self, nice: int) -> None:
        # Looked for each time: a compiler's thread may start another one, which has its nice.
        for thread in _compilers(self._host):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                os.setpriority(os.PRIO_PROCESS, thread, nice)


def _compilers(host: int) -> Iterator[int]:
    tasks = f"/proc/{host}/task"
    with contextlib.suppress(OSError):  # the host has ended
        for name in os.listdir(tasks):
            with contextlib.suppress(OSError):
                if read(f"{tasks}/{name}/comm").startswith(_COMPILER):
                    yield int(name)


def _may_undo() -> bool:
    """Anybody may make a thread of theirs wait, but to put it back takes the capability, in the host's own user
    namespace: without root this process has one of its own, where it counts for nothing."""
    with contextlib.suppress(OSError, IndexError):
        for line in read("/proc/self/status").splitlines():
            if line.startswith("CapEff:"):
                mine = int(line.split()[1], 16)
                return bool(mine >> _CAP_SYS_NICE & 1) and read("/proc/self/uid_map").split()[:2] == ["0", "0"]
    return False
