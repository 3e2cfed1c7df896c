"""How fast a block device may be read and written, by control groups (blkio of version 1, io of version 2).

In version 1 what the kernel writes back from its cache counts for the root group, whoever wrote it, so that one has
the limit as well as the process's own. In version 2 it counts for the process's (cgroup-v2.rst, "Writeback").
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from berth_runtime.cgroups import read, write

MISSING = "no control groups for block devices (io, or the root group of blkio) are this process's to write to"

_V1 = "blkio.throttle."
_V2 = "io.max"


@dataclass(frozen=True)
class Rates:
    """What a device does in a second: bytes, and requests of whatever size."""

    read_bytes: float
    written_bytes: float
    reads: float
    writes: float

    def divided(self, by: float) -> Rates:
        return Rates(self.read_bytes / by, self.written_bytes / by, self.reads / by, self.writes / by)

    def exceeds(self, other: Rates) -> bool:
        """In any of the four."""
        return (
            self.read_bytes > other.read_bytes
            or self.written_bytes > other.written_bytes
            or self.reads > other.reads
            or self.writes > other.writes
        )


@dataclass
class IoLimits:
    """The tree they are set in: where it is mounted, and of which version it is."""

    mount: str
    unified: bool

    def set(self, device: str, pid: int, rates: Rates | None) -> bool:
        """Limits what is done with a device, as "MAJOR:MINOR", for this process's group; None lifts it. False when
        it can't be had, or the process is gone."""
        own = self._own(pid)
        if self.unified:
            return own is not None and _put(os.path.join(own, _V2), f"{device} {_line(rates)}")
        groups = {self.mount} if own is None else {self.mount, own}
        return all([_v1(group, device, rates) for group in groups])

    def _own(self, pid: int) -> str | None:
        with contextlib.suppress(OSError):
            for line in read(f"/proc/{pid}/cgroup").splitlines():
                _, controllers, path = line.split(":", 2)
                if controllers == "" if self.unified else "blkio" in controllers.split(","):
                    return os.path.normpath(self.mount + path)
        return None

    def left_over(self) -> list[str]:
        """Devices that a limit was set for and that no file belongs to any more: whoever set it was killed."""
        if self.unified:
            return []  # they are gone with their groups
        with contextlib.suppress(OSError):
            limited = {line.split()[0] for line in read(f"{self.mount}/{_V1}write_bps_device").splitlines()}
            return [device for device in limited if _is_unused_loop(device)]
        return []


def find() -> IoLimits | None:
    """The tree to set them in; None where there is none for this process to write to."""
    found = None
    for line in read("/proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        root, mount = left.split(" ")[3], left.split(" ")[4].replace("\\040", " ")
        kind, _, options = right.split(" ", 2)
        if root != "/":
            continue  # a part of a tree: its root group is somebody else's
        if kind == "cgroup" and "blkio" in options.split(","):
            # A container's part looks like a root when its namespace is one; only the true one has this file.
            true_root = os.access(f"{mount}/release_agent", os.F_OK)
            writable = true_root and os.access(f"{mount}/{_V1}write_bps_device", os.W_OK)
            return IoLimits(mount, False) if writable else None
        if kind == "cgroup2":
            with contextlib.suppress(OSError):
                if "io" in read(f"{mount}/cgroup.controllers").split():
                    found = IoLimits(mount, True)
    return found


def _v1(group: str, device: str, rates: Rates | None) -> bool:
    values = rates or Rates(0, 0, 0, 0)
    return all(
        [
            _put(f"{group}/{_V1}{name}_device", f"{device} {_whole(value)}")
            for name, value in (
                ("read_bps", values.read_bytes),
                ("write_bps", values.written_bytes),
                ("read_iops", values.reads),
                ("write_iops", values.writes),
            )
        ]
    )


def _line(rates: Rates | None) -> str:
    if rates is None:
        return "rbps=max wbps=max riops=max wiops=max"
    values = map(_whole, (rates.read_bytes, rates.written_bytes, rates.reads, rates.writes))
    return "rbps={} wbps={} riops={} wiops={}".format(*values)


def _whole(value: float) -> int:
    """In version 1 a zero lifts a limit, which only _v1 may mean."""
    return max(1, int(value)) if value else 0


def _put(path: str, line: str) -> bool:
    try:
        write(path, line)
    except OSError:
        return False
    return True


def _is_unused_loop(device: str) -> bool:
    folder = f"/sys/dev/block/{device}"
    return os.path.basename(os.path.realpath(folder)).startswith("loop") and not os.path.isdir(f"{folder}/loop")
