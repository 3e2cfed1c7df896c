"""The host's own threads while plugins burn the CPU: those that carry calls go first, its compilers can wait.

A thread that carries calls runs for a moment at a time, and every call waits for it. A short slice lets it in at
once where the kernel finds that it has had no more than its share and that nobody else's deadline is earlier; else
it waits for the next tick. So while plugins burn it has the least real-time priority (sched(7), SCHED_RR), which
asks for neither, as long as it takes little: one that takes much could keep the host's other threads from a CPU.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import Callable

from berth_runtime.cgroups import read
from berth_runtime.slices import SHORT_SLICE, set_slice

_COMPILERS_SLICE = 10_000_000  # nanoseconds
# What the names begin with of threads that carry calls, and of those that can wait.
_CARRIERS = "berth-loop"
_COMPILERS = ("C1 Compiler", "C2 Compiler")
_MOST = 0.25  # of one CPU, which a thread with a real-time priority may take
_CPUS = len(os.sched_getaffinity(0))


@dataclass
class _Carrier:
    """One thread that carries calls. used: its CPU time in nanoseconds, as of the last look."""

    used: int
    seen_at: float
    first: bool = False  # goes before all ordinary threads
    refused: bool = False  # a real-time priority, by the kernel


class HostThreads:
    """Of one host, by its process id. Not for use by several threads."""

    def __init__(self, host: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._tasks = f"/proc/{host}/task"
        self._clock = clock
        self._known: set[int] = set()  # that were looked at
        self._carriers: dict[int, _Carrier] = {}
        self._take_back()

    def _take_back(self) -> None:
        """Priorities that whoever looked after them before has left, when it was killed."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._tasks):
                with contextlib.suppress(OSError):
                    if os.sched_getscheduler(int(name)) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR:
                        set_slice(int(name), SHORT_SLICE)

    def hurry(self) -> None:
        """Plugins burn. To be called again every now and then: a JVM starts compilers when it needs them. Who
        carries calls goes first from the second time on, when it is known how much it takes."""
        for thread, carrier in self._carriers.items():
            with contextlib.suppress(OSError):  # it has ended
                self._look(thread, carrier)
        with contextlib.suppress(OSError):  # the host has ended
            threads = {int(name) for name in os.listdir(self._tasks)}
            for thread in threads - self._known:
                with contextlib.suppress(OSError):
                    self._meet(thread)
            for thread in self._carriers.keys() - threads:
                del self._carriers[thread]
            self._known = threads

    def _meet(self, thread: int) -> None:
        name = read(f"{self._tasks}/{thread}/comm")
        if name.startswith(_CARRIERS):
            set_slice(thread, SHORT_SLICE)
            self._carriers[thread] = _Carrier(self._used(thread), self._clock())
        elif name.startswith(_COMPILERS):
            set_slice(thread, _COMPILERS_SLICE)

    def relax(self) -> None:
        """Nobody burns any more. Short slices are kept: these threads do little else but wait."""
        for thread, carrier in self._carriers.items():
            self._put(thread, carrier, False)

    def _look(self, thread: int, carrier: _Carrier) -> None:
        used, now = self._used(thread), self._clock()
        share = (used - carrier.used) / 1e9 / max(now - carrier.seen_at, 1e-9)
        carrier.used, carrier.seen_at = used, now
        self._put(thread, carrier, _CPUS > 1 and share <= _MOST)

    def _put(self, thread: int, carrier: _Carrier, first: bool) -> None:
        if first and not carrier.first and not carrier.refused:
            carrier.first = _go_first(thread)
            carrier.refused = not carrier.first
        elif carrier.first and not first:
            carrier.first = not set_slice(thread, SHORT_SLICE)

    def _used(self, thread: int) -> int:
        return int(read(f"{self._tasks}/{thread}/schedstat").split()[0])


def _go_first(thread: int) -> bool:
    """Gives it the least real-time priority, which nothing has that it starts. False where that is not allowed: to
    who isn't root, or by a control group without real-time budget."""
    try:
        os.sched_setscheduler(thread, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        return False
    return True
