"""Tries whether a folder can be given a size, and a speed: a small file system in a file, filled until it is full,
and then written slowly."""

from __future__ import annotations

import errno
import os
import subprocess
import time

from berth_runtime import io_limits, linux
from berth_runtime.host_facts import Finding

_NAME = "data_size_limit"
_RATE_NAME = "data_rate_limit"
_BYTES = 8 << 20
_SLOWLY = 2 << 20  # bytes
_SLOW_SECONDS = 0.4
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}


def probe(scratch: str) -> list[Finding]:
    """The size and the speed. Leaves the calling process in a mount namespace of its own, with which the mount
    goes."""
    remedy = "Put the data folder on a file system of its own, or give it a quota."
    no_rate = Finding(_RATE_NAME, False, "only a file system of its own can be bounded in how fast it is written")
    if os.geteuid() != 0:
        why = "only root can mount a file system of a given size"
        return [Finding(_NAME, False, why, f"Run as root. {remedy}"), no_rate]
    image, place = f"{scratch}/image", f"{scratch}/mounted"
    try:
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
        with open(image, "wb") as f:
            f.truncate(_BYTES)
        os.mkdir(place)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", image)
        _run("mount", "-o", "loop,nosuid,nodev", image, place)
        try:
            held = _fill(place)
            rate = _write_slowly(place)
        finally:
            linux.unmount(place)
    except (OSError, subprocess.SubprocessError) as e:
        said = getattr(e, "stderr", None) or str(e)
        return [Finding(_NAME, False, f"a file system in a file can't be had: {said.strip()}", remedy), no_rate]
    finally:
        for path, remove in ((place, os.rmdir), (image, os.unlink)):
            if os.path.exists(path):
                remove(path)
    if not held:
        return [Finding(_NAME, False, "a file system in a file took more than its size", remedy), rate]
    what = f"a file system of {_BYTES >> 20} MiB in a file (loop, ext4) was full when it should"
    return [Finding(_NAME, True, what), rate]


def _run(*command: str) -> None:
    subprocess.run(command, env=_ENVIRONMENT, check=True, capture_output=True, text=True, timeout=20)


def _fill(place: str) -> bool:
    try:
        with open(f"{place}/x", "wb", 0) as f:
            for _ in range(2 * _BYTES >> 16):
                f.write(b"x" * 65536)
    except OSError as e:
        return e.errno == errno.ENOSPC
    return False


def _write_slowly(place: str) -> Finding:
    """Writes in place what is there, to the disk, at a speed at which it takes a moment."""
    limits = io_limits.find()
    if limits is None:
        return Finding(_RATE_NAME, False, io_limits.MISSING, "Run Berth as root of the host.")
    if limits.unified:  # it would hold for a group of a worker's, and this process is in none
        return Finding(_RATE_NAME, True, "control groups of version 2 bound how fast a disk is used; not tried")
    number = os.stat(place).st_dev
    device = f"{os.major(number)}:{os.minor(number)}"
    speed = io_limits.Rates(1 << 30, _SLOWLY / _SLOW_SECONDS, 1_000, 1_000)
    with open(f"{place}/x", "r+b", 0) as f:
        os.fsync(f.fileno())
        set_ = limits.set(device, os.getpid(), speed)
        try:
            begun = time.monotonic()
            for _ in range(_SLOWLY >> 16):
                f.write(b"y" * 65536)
            os.fsync(f.fileno())
            took = time.monotonic() - begun
        finally:
            limits.set(device, os.getpid(), None)
    what = f"writing {_SLOWLY >> 20} MiB took {took:.1f} s where the limit allows no less than {_SLOW_SECONDS} s"
    return Finding(_RATE_NAME, set_ and took > _SLOW_SECONDS / 2, what)
