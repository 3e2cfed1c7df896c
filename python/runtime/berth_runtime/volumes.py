"""Plugins' folders that can't outgrow their size: each an ext4 file system in a file of its own.

The host makes the files (mkfs.ext4); here they are mounted, through loop devices, in a mount namespace that
only this process and its children have. So nobody else on the machine sees the mounts, and when this process is
gone, however it went, the kernel takes mounts and devices away.

A file is locked (flock(2)) through the description that the loop device holds: two mounts of one file would
destroy it, and the lock lasts exactly as long as the device does. A mount is kept for a while after its last
worker, since the next one is often soon.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import time
from dataclasses import dataclass

from berth_runtime import linux, tree
from berth_runtime.disk_governor import DiskGovernor
from berth_runtime.steps import PluginsOwn

IDLE_SECONDS = 10.0
DELETED_SECONDS = 0.5  # how late it may be noticed that the host has deleted a file
IMAGE = "data.img"

_LOOP_CONTROL = "/dev/loop-control"
_LOOP_CTL_GET_FREE = 0x4C82
_LOOP_CONFIGURE = 0x4C0A  # since Linux 5.8
_AUTOCLEAR = 4
_CONFIG_BYTES = 304  # struct loop_config of linux/loop.h
_FLAGS_AT = 4 + 4 + 5 * 8 + 3 * 4
_TRIES = 50
# What ext4 says to a file system that is none, or not whole.
_BROKEN = (errno.EINVAL, errno.EUCLEAN, errno.EBADMSG)


@dataclass
class _Volume:
    """device: "MAJOR:MINOR"."""

    point: str
    device: str
    users: int
    idle_since: float


class Volumes:
    """folder: where to mount, an empty folder of the host's own. governor: to be told who uses which device."""

    def __init__(self, folder: str, governor: DiskGovernor) -> None:
        self._folder = folder
        self._governor = governor
        self._count = 0
        self._mounted: dict[str, _Volume] = {}  # by the image's path

    def take(self, image: str, owner: int) -> int:
        """The file system in `image`, as a mount that is nowhere yet, its root owned by `owner`. Each take wants a
        give_back.

        Raises OSError when it can't be mounted, PluginsOwn when that is because what is in it is broken.
        """
        volume = self._mounted.get(image)
        if volume is None:
            volume = self._mount(image)
            self._mounted[image] = volume
        try:
            fd = tree.owned(volume.point, owner)
        except OSError:
            volume.idle_since = time.monotonic()
            raise
        volume.users += 1
        return fd

    def used_by(self, image: str, pid: int) -> None:
        """This process's worker is the one that took it last."""
        self._governor.take(self._mounted[image].device, pid)

    def give_back(self, image: str) -> None:
        """One worker less uses it."""
        volume = self._mounted[image]
        volume.users -= 1
        volume.idle_since = time.monotonic()
        if volume.users == 0:
            self._governor.give_back(volume.device)

    def used(self, image: str) -> int:
        """Bytes its files take; 0 when it is not mounted."""
        volume = self._mounted.get(image)
        if volume is None:
            return 0
        found = os.statvfs(volume.point)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def sweep(self) -> float | None:
        """Lets go of what nobody has used for a while, or what was deleted, and looks at who uses the others too
        much. Seconds until there is more to do; None when there is nothing."""
        self._governor.look()
        due = self._governor.next()
        waits = [] if due is None else [due]
        now = time.monotonic()
        for image, volume in list(self._mounted.items()):
            if volume.users > 0:
                continue
            left = volume.idle_since + IDLE_SECONDS - now
            if left > 0 and os.path.exists(image):
                waits.append(min(left, DELETED_SECONDS))
            else:
                del self._mounted[image]
                self._governor.forget(volume.device)
                self._unmount(volume.point)
        return min(waits) if waits else None

    def close(self) -> None:
        """Lets go of all of them. What a worker still sees is unmounted when that one ends: by its last process, so
        all of them at once, where this process would do one after the other."""
        for volume in self._mounted.values():
            self._unmount(volume.point)
        self._mounted.clear()

    def _mount(self, image: str) -> _Volume:
        self._count += 1
        point = f"{self._folder}/{os.getpid()}-{self._count}"
        os.mkdir(point, 0o700)
        try:
            device = _mount(image, point)
            with contextlib.suppress(OSError):
                os.rmdir(f"{point}/lost+found")  # no plugin knows what it is; fsck makes it again when it needs it
        except OSError:
            self._unmount(point)
            raise
        return _Volume(point, device, 0, time.monotonic())

    def _unmount(self, point: str) -> None:
        with contextlib.suppress(OSError):
            linux.unmount(point)
        with contextlib.suppress(OSError):
            os.rmdir(point)


def _mount(image: str, point: str) -> str:
    """The device's number."""
    file = os.open(image, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(errno.EBUSY, f"{image} is mounted still, by a worker that is about to end") from None
        device, path = _loop(file)
        try:
            flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC | linux.MS_NOATIME
            try:
                # Else the kernel fills tables for files that may never be, 16 MiB of 256, and keeps the disk busy.
                linux.mount(path, point, "ext4", flags, "errors=remount-ro,discard,noinit_itable")
            except OSError as e:
                if e.errno in _BROKEN:
                    why = f"{image} is damaged; stop Berth and mend it with `e2fsck {image}`"
                    raise PluginsOwn(e.errno, why) from e
                raise
            number = os.fstat(device).st_rdev
            return f"{os.major(number)}:{os.minor(number)}"
        finally:
            os.close(device)  # the mount keeps it; without one the device clears itself
    finally:
        os.close(file)


def _loop(file: int) -> tuple[int, str]:
    """A loop device of this file: its descriptor and path."""
    config = bytearray(_CONFIG_BYTES)
    struct.pack_into("II", config, 0, file, 0)
    struct.pack_into("I", config, _FLAGS_AT, _AUTOCLEAR)
    control = os.open(_LOOP_CONTROL, os.O_RDWR | os.O_CLOEXEC)
    try:
        for _ in range(_TRIES):  # between asking and taking somebody else may have taken it
            path = f"/dev/loop{fcntl.ioctl(control, _LOOP_CTL_GET_FREE)}"
            device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(device, _LOOP_CONFIGURE, bytes(config))
                return device, path
            except OSError as e:
                os.close(device)
                if e.errno != errno.EBUSY:
                    raise
        raise OSError(errno.EBUSY, "no loop device is free")
    finally:
        os.close(control)


def usable(probe: str, folder: str) -> str:
    """Why images can't be mounted here, tried on the one at `probe`; empty when they can."""
    try:
        volumes = Volumes(folder, DiskGovernor(None))
        os.close(volumes.take(probe, 0))
        volumes.give_back(probe)
        for volume in volumes._mounted.values():
            volumes._unmount(volume.point)
        return ""
    except OSError as e:
        return str(e)
