"""Keeps plugins that use their disk without end from being felt by the others.

A file system of a fixed size bounds how much a plugin keeps, not how often it writes it anew. Two dozen that fill
and empty theirs write 600 MB a second, and a neighbour's call waits for a second behind the kernel's own threads
that carry it; small writes that are each made to reach the disk are as bad. No weight of a plugin's bounds those
threads, but what comes to them can be bounded. So a disk that was busy lately is given limits until it has been
calm for a while: all busy ones together get what the machine can do beside other work. Whoever only writes now and
then has none.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import Callable, Collection

from berth_runtime.cgroups import read
from berth_runtime.io_limits import IoLimits, Rates

LOOK_SECONDS = 1.0
_CALM_FOR = 10.0
_TOGETHER = Rates(256 << 20, 64 << 20, 4_000, 500)  # all busy ones
_LEAST_DIVISOR = 64  # of that, what each may always have
_BUSY = _TOGETHER.divided(8)
_SECTOR = 512


@dataclass(frozen=True)
class Count:
    """What a device has done since it is there."""

    read_bytes: int
    written_bytes: int
    reads: int
    writes: int

    def since(self, before: Count, seconds: float) -> Rates:
        return Rates(
            (self.read_bytes - before.read_bytes) / seconds,
            (self.written_bytes - before.written_bytes) / seconds,
            (self.reads - before.reads) / seconds,
            (self.writes - before.writes) / seconds,
        )


@dataclass
class _Disk:
    pid: int = 0  # of who uses it, 0 for nobody
    seen: Count | None = None
    seen_at: float = 0.0
    busy_at: float = 0.0
    limits: Rates | None = None


class DiskGovernor:
    """Not for use by several threads. Its look() is to be called when next() says."""

    def __init__(
        self,
        limits: IoLimits | None,
        counts: Callable[[Collection[str]], dict[str, Count]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._counts = counts or _counts
        self._clock = clock
        self._disks: dict[str, _Disk] = {}  # by device
        self._next = 0.0
        for device in limits.left_over() if limits is not None else ():
            self._set(device, 0, None)

    def take(self, device: str, pid: int) -> None:
        """A process begins to use a device, "MAJOR:MINOR", as the only one. What is known of it holds."""
        if self._limits is None:
            return
        if not any(disk.pid for disk in self._disks.values()):
            self._next = self._clock() + LOOK_SECONDS
        disk = self._disks.setdefault(device, _Disk())
        disk.pid = pid
        if disk.limits is not None:
            self._set(device, pid, disk.limits)

    def give_back(self, device: str) -> None:
        """It has ended, or is about to. What is still to be written is written at once: others wait for that."""
        disk = self._disks.get(device)
        if disk is not None:
            self._lift(device, disk)
            disk.pid = 0

    def forget(self, device: str) -> None:
        """Another device will have this number."""
        disk = self._disks.pop(device, None)
        if disk is not None:
            self._lift(device, disk)

    def next(self) -> float | None:
        """Seconds until look() is due; None when nobody is there to be looked at."""
        in_use = any(disk.pid for disk in self._disks.values())
        return max(0.0, self._next - self._clock()) if in_use else None

    def look(self) -> None:
        """Limits who needs it, if it is time to."""
        now = self._clock()
        if self.next() != 0.0:
            return
        self._next = now + LOOK_SECONDS
        counts = self._counts([device for device, disk in self._disks.items() if disk.pid])
        for device, disk in self._disks.items():
            count = counts.get(device)
            if count is not None:
                if disk.seen is not None and _is_busy(count.since(disk.seen, now - disk.seen_at), disk.limits):
                    disk.busy_at = now
                disk.seen, disk.seen_at = count, now
        self._divide(now)

    def _divide(self, now: float) -> None:
        busy = {d: disk for d, disk in self._disks.items() if disk.busy_at and now - disk.busy_at < _CALM_FOR}
        share = _TOGETHER.divided(min(max(1, len(busy)), _LEAST_DIVISOR))
        for device, disk in self._disks.items():
            limits = share if device in busy else None
            if disk.limits != limits:
                disk.limits = limits
                if disk.pid:
                    self._set(device, disk.pid, limits)

    def _lift(self, device: str, disk: _Disk) -> None:
        if disk.limits is not None and disk.pid:
            self._set(device, disk.pid, None)

    def _set(self, device: str, pid: int, limits: Rates | None) -> None:
        """Where it fails the process has ended, or its group has none of the kernel's limits for devices."""
        assert self._limits is not None
        if not self._limits.set(device, pid, limits) and limits is not None and os.path.exists(f"/proc/{pid}"):
            print(
                f"Nothing bounds how fast process {pid} uses its disk, block device {device}: its control group"
                " can't be given the limit. Let the controller io be handed on to it.",
                file=sys.stderr,
                flush=True,
            )


def _is_busy(rates: Rates, limits: Rates | None) -> bool:
    """One that has limits can't show what it would do without them: it is busy while it uses half of them."""
    return rates.exceeds(_BUSY) or (limits is not None and rates.exceeds(limits.divided(2)))


def _counts(devices: Collection[str]) -> dict[str, Count]:
    """Of these; see Documentation/admin-guide/iostats.rst. A flush, which has no bytes, counts as a write."""
    wanted = set(devices)
    found = {}
    for line in read("/proc/diskstats").splitlines():
        major, minor, rest = line.split(None, 2)
        device = f"{major}:{minor}"
        if device in wanted:  # a machine can have hundreds
            words = rest.split()  # the name comes first
            flushes = int(words[16]) if len(words) > 16 else 0  # since Linux 5.5
            found[device] = Count(
                int(words[3]) * _SECTOR, int(words[7]) * _SECTOR, int(words[1]), int(words[5]) + flushes
            )
    return found
