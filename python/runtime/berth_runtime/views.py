"""Folders of the host's that plugins may read, shown so that reading is all they can do.

Whoever may open a file may call fsync(2) on it, for which the disk writes back its cache, the whole machine's, and
may lock it (flock(2), fcntl(2)), for which others wait. An overlay of the folder and an empty one lets nothing but
reading through: locks and syncing end at the overlay (Documentation/filesystems/overlayfs.rst). Each view is a file
system of its own, so plugins that share a folder don't share these, either. It doesn't go on to what is mounted
below the folder, and what others change in it may be seen late; so it isn't for folders that an operator shares.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from berth_runtime import linux

PROTECTION = "private_file_views"
_FLAGS = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV


@dataclass(frozen=True)
class Views:
    """empty: path of an empty folder; "" where there are no overlays, and folders are shown as they are."""

    empty: str

    def open(self, path: str) -> int:
        """A folder as a mount that is nowhere yet. Its last name is never followed if it is a link."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if self.empty:
                # By number: an overlay's options are no place for any name, nor for a plugin to read it.
                return linux.overlay(f"/proc/self/fd/{fd}", self.empty, _FLAGS)
            return linux.clone_tree(fd)
        finally:
            os.close(fd)

    def show(self, path: str, target: str) -> None:
        """Mounts a folder or a file where there is one already, read-only."""
        if not self.empty:
            linux.bind(path, target, _FLAGS)
        elif os.path.isdir(path):
            self._attach(path, target)
        else:
            # Only folders can be overlaid, so the file is taken out of a view of its own.
            folder, name = os.path.split(path)
            self._attach(folder, self.empty)
            try:
                linux.bind(f"{self.empty}/{name}", target, _FLAGS)
            finally:
                linux.unmount(self.empty)

    def _attach(self, path: str, target: str) -> None:
        fd = self.open(path)
        try:
            linux.attach_tree(fd, target)
        finally:
            os.close(fd)


PLAIN = Views("")


def find(empty: str) -> tuple[Views, str]:
    """How folders can be shown here, and why no better. empty: an empty folder that stays."""
    found = Views(empty)
    try:
        os.close(found.open(os.path.dirname(os.path.abspath(__file__))))
        return found, ""
    except OSError as e:
        return PLAIN, f"no overlays can be had: {e}"


def problem() -> str:
    """Why there are no views here; empty when there are. Leaves this process in a mount namespace of its own."""
    try:
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
        place = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        own = os.open(os.path.dirname(os.path.abspath(__file__)), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        linux.mount("berth", place, "tmpfs", _FLAGS, "mode=0700,size=4k")
        os.close(linux.overlay(f"/proc/self/fd/{own}", place, _FLAGS))
        return ""
    except OSError as e:
        return f"no overlays can be had: {e}"
