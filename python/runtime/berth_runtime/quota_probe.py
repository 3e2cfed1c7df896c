"""Tries whether a folder can be given a size: a small file system in a file, filled until it is full."""

from __future__ import annotations

import errno
import os
import subprocess

from berth_runtime import linux
from berth_runtime.host_facts import Finding

_NAME = "data_size_limit"
_BYTES = 8 << 20
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}


def probe(scratch: str) -> Finding:
    """Leaves the calling process in a mount namespace of its own, which takes the mount with it."""
    remedy = "Put the data folder on a file system of its own, or give it a quota."
    if os.geteuid() != 0:
        return Finding(_NAME, False, "only root can mount a file system of a given size", f"Run as root. {remedy}")
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
        finally:
            linux.unmount(place)
    except (OSError, subprocess.SubprocessError) as e:
        said = getattr(e, "stderr", None) or str(e)
        return Finding(_NAME, False, f"a file system in a file can't be had: {said.strip()}", remedy)
    finally:
        for path, remove in ((place, os.rmdir), (image, os.unlink)):
            if os.path.exists(path):
                remove(path)
    if not held:
        return Finding(_NAME, False, "a file system in a file took more than its size", remedy)
    return Finding(
        _NAME, True, f"a file system of {_BYTES >> 20} MiB in a file (loop, ext4) was full when it should"
    )


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
