"""Keeps plugins that burn the CPU from being felt by the others.

A quota bounds one plugin, but two dozen that use theirs up still want many times what the machine has, and the
kernel deals its time in slices of some milliseconds to whoever is in the queue: a plugin that wakes for a moment's
work waits for several of them. So a worker that used much of a CPU lately is given a small weight until it has been
calm for a while; all that burn weigh about as much as one that doesn't. Weights only say who goes first: where
nobody else wants the CPU, it goes on as fast as before. Where others do for long, it gets so little that it seems
calm, and has its full weight back for a moment.

Nor does a weight say when: whoever runs is let run for its slice, of a millisecond or more, and looked at again at
the scheduler's next tick, unless the one who wakes has a shorter slice. So while plugins burn, those that have been
calm for a while are given short ones. Those that burn are given longer ones than usual: a slice is also a deadline,
and who wakes is let in at once only if none of those that wait, nor who runs, has an earlier one
(check_preempt_wakeup_fair in the kernel's sched/fair.c). A deadline is the nearer the more a plugin weighs, so one
that has not burnt for long is given many times its weight meanwhile, which it hardly uses. What becomes of the
host's own threads is in host_threads.py.

Looking costs something, so as long as all plugins together are calm only their common group is looked at.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from typing import Callable, Iterable

from berth_runtime.cgroups import Group, read
from berth_runtime.host_threads import HostThreads
from berth_runtime.slices import LONG_SLICE, SHORT_SLICE, USUAL_SLICE, set_slice

CALM_SECONDS = 0.1  # between looks at the common group
BUSY_SECONDS = 0.1  # between looks at each worker
_BUSY_SHARE = 0.3  # of one CPU, all plugins together: below it nobody needs to be looked at
_HOG_SHARE = 0.4  # of one CPU, where there is enough of it; where there isn't, half of what its shares could get it
_LEAST_HOG_SHARE = 0.005
_ACTIVE_SHARE = 0.01
_CALM_FOR = 1.0
_REMEMBERED = 30.0  # how long a plugin that has burnt is not favoured, and its next worker begins small
_LEAST_DIVISOR = 4
_FAVOUR = 256  # times its weight, for who is calm and has not burnt; it may do so until the next look
_TIMES_LENGTHENED = 2  # what is forked while a group is looked through may be missed the first time
_CPUS = len(os.sched_getaffinity(0))


@dataclass
class Charge:
    """A worker that is looked after. thread: its event loop's, by which it answers."""

    name: str
    group: Group
    shares: int
    thread: int
    seen: int = 0
    seen_at: float = 0.0
    calm_since: float = 0.0
    burnt_at: float = -math.inf
    weight: int = 0
    small: bool = False
    brisk: bool = False  # its thread has a short slice
    favoured: bool = False  # has many times its weight
    lengthened: int = 0  # how often all of its threads were given long ones


class Governor:
    """Not for use by several threads. Its look() is to be called when next() says."""

    def __init__(self, common: Group | None, host: int, clock: Callable[[], float] = time.monotonic) -> None:
        """common: what counts the CPU time of all workers, and perhaps of others; None when nobody can be looked
        after. host: process id of the host."""
        self._host_threads = HostThreads(host, clock)
        self._common = common
        self._clock = clock
        self._charges: dict[str, Charge] = {}  # by the group's folder
        self._hogs: dict[str, float] = {}  # plugin -> when it was last seen to burn, for its next worker
        self._total = 0
        self._total_at = 0.0
        self._next = 0.0
        self._busy = False
        self._fair = math.inf  # of one CPU, for each share: what those that run could get, as of the last look
        self._divisor = _LEAST_DIVISOR  # of the weights of those that burn

    def take(self, name: str, group: Group, shares: int, thread: int) -> None:
        """A worker begins, with its weight set to `shares` and its first thread."""
        if self._common is None:
            return
        now = self._clock()
        charge = Charge(name, group, shares, thread, _usage(group), now, now, weight=shares)
        self._charges[group.folders["cpu"]] = charge
        charge.burnt_at = self._hogs.get(name, -math.inf)
        if now - charge.burnt_at < _REMEMBERED:
            charge.small = True
            self._weigh(charge)
        if len(self._charges) == 1:
            self._total, self._total_at, self._next = _usage(self._common), now, now + CALM_SECONDS

    def give_back(self, group: Group) -> None:
        """A worker has ended; call it before its group is gone. Who dies of what it does may never have been looked
        at, and is remembered all the same: it will do it again."""
        charge = self._charges.pop(group.folders.get("cpu", ""), None)
        if charge is not None:
            now = self._clock()
            if _share(_usage(group) - charge.seen, max(now - charge.seen_at, BUSY_SECONDS)) > self._hog(charge):
                self._remember(charge.name, now)
            if not self._charges:
                self._becomes(busy=False)  # nobody looks before there is another

    def next(self) -> float | None:
        """Seconds until look() is due; None when nobody is there to be looked at."""
        return max(0.0, self._next - self._clock()) if self._charges else None

    def look(self) -> None:
        """Weighs who needs it, if it is time to."""
        now = self._clock()
        if self._common is None or not self._charges or now < self._next:
            return
        total = _usage(self._common)
        share = _share(total - self._total, now - self._total_at)
        self._total, self._total_at = total, now
        was_busy = self._busy
        self._becomes(busy=share > _BUSY_SHARE)
        if self._busy or was_busy or any(charge.small for charge in self._charges.values()):
            self._look_at_each(now, self._charges.values())
        self._next = now + (BUSY_SECONDS if self._busy else CALM_SECONDS)

    def _becomes(self, busy: bool) -> None:
        """Whether plugins burn, and what follows for who isn't one."""
        if busy != self._busy:
            # This process must not wait for a plugin that is favoured and begins to burn.
            set_slice(os.getpid(), SHORT_SLICE if busy else USUAL_SLICE)
        if busy:
            self._host_threads.hurry()
        elif self._busy:
            self._host_threads.relax()
        self._busy = busy

    def _look_at_each(self, now: float, charges: Iterable[Charge]) -> None:
        shares = []
        for charge in charges:
            used, since = _usage(charge.group), now - charge.seen_at
            shares.append((charge, _share(used - charge.seen, since), since))
            charge.seen, charge.seen_at = used, now
        active = sum(charge.shares for charge, share, _ in shares if share > _ACTIVE_SHARE)
        self._fair = _CPUS / active if active else math.inf
        for charge, share, since in shares:
            hog = self._hog(charge)
            if share > hog / 2:
                charge.calm_since = now
            calm = now - charge.calm_since > _CALM_FOR
            if share > hog:
                self._remember(charge.name, now)
                charge.burnt_at = now
                charge.small = True
            elif charge.small and calm:
                charge.small = False
            if calm and not charge.brisk and since < 2 * BUSY_SECONDS:  # over a longer time a hog may look calm
                charge.brisk = set_slice(charge.thread, SHORT_SLICE)
            elif charge.brisk and not calm:
                charge.brisk = not set_slice(charge.thread, LONG_SLICE if charge.small else USUAL_SLICE)
            if charge.small and charge.lengthened < _TIMES_LENGTHENED:
                _slice_all(charge, LONG_SLICE)
                charge.lengthened += 1
            elif charge.lengthened and not charge.small:
                _slice_all(charge, USUAL_SLICE)
                charge.lengthened = 0
        self._weigh_all(now)

    def _hog(self, charge: Charge) -> float:
        """The share of one CPU above which it burns. By its own shares: with one measure for all, those with many
        would burn and be made small while those with few seemed calm, though each had what it was due."""
        return max(_LEAST_HOG_SHARE, min(_HOG_SHARE, 0.5 * self._fair * charge.shares))

    def _weigh_all(self, now: float) -> None:
        """Those that burn by how many they are; in steps, to write seldom."""
        small = sum(charge.small for charge in self._charges.values())
        self._divisor = max(_LEAST_DIVISOR, 1 << (small - 1).bit_length())
        for charge in self._charges.values():
            charge.favoured = self._busy and charge.brisk and now - charge.burnt_at >= _REMEMBERED
            self._weigh(charge)

    def _remember(self, name: str, now: float) -> None:
        if len(self._hogs) >= 10_000:  # plugins come and go; what is remembered of them must too
            self._hogs.clear()
        self._hogs[name] = now

    def _weigh(self, charge: Charge) -> None:
        weight = charge.shares
        if charge.small:
            weight = max(2, charge.shares // self._divisor)
        elif charge.favoured:
            weight = charge.shares * _FAVOUR
        if weight != charge.weight:
            try:
                charge.group.weigh(weight)
                charge.weight = weight
            except OSError:
                pass  # it is ending


def _slice_all(charge: Charge, nanos: int) -> None:
    """A thread that has a short one keeps it."""
    for thread in charge.group.threads():
        if thread != charge.thread or not charge.brisk:
            set_slice(thread, nanos)


def _share(nanos: int, seconds: float) -> float:
    return nanos / 1e9 / seconds if seconds > 0 else 0.0


def _usage(group: Group) -> int:
    """CPU time of a group and what is below it, in nanoseconds; 0 when it is gone."""
    try:
        if group.unified:
            text = read(os.path.join(group.folders["cpu"], "cpu.stat"))
            return int(text.split(None, 2)[1]) * 1000  # usage_usec comes first
        return int(read(os.path.join(group.folders["cpuacct"], "cpuacct.usage")))
    except (OSError, KeyError, ValueError, IndexError):
        return 0
