"""Puts a plugin's folders into a sandbox that waits. The launcher does it, inside the sandbox's mount namespace.

The sandbox itself could not: it is in a user namespace of its own already, which has no say over its mounts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable

from berth_runtime import linux, tree
from berth_runtime.steps import StepError, step
from berth_runtime.views import Views
from berth_runtime.volumes import Volumes

# What a plugin may do with a folder. What it can write to is not executable: native code comes from the package and
# its locked dependencies alone.
ACCESS = {
    "read": linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV,
    "write": linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC,
    "view": linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC,
    "socket": linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC,
}


# A folder's name in an order, how it may be used, and where the plugin sees it.
_FOLDERS = (
    ("package", "read", "/workspace"),
    ("site", "read", "/site"),
    ("data", "write", "/data"),
)


@dataclass(frozen=True)
class Mount:
    """access: a key of ACCESS. target: where the plugin finds it. fd: of a mount that is nowhere yet."""

    access: str
    target: str
    fd: int


def open_all(order: dict[str, Any], uid: int, own_uids: bool, volumes: Volumes | None, views: Views) -> list[Mount]:
    """What the plugin of an order (see launcher.py) is to see, for close_all; the order's volume is taken, where it
    names one. uid: the plugin's outside. own_uids: whether it is its own. StepError when something can't be opened;
    nothing is open or taken then."""
    found: list[Mount] = []
    try:
        for name, access, target in _FOLDERS:
            if name == "data" and order["volume"] is not None:
                assert volumes is not None
                with step(f"mount the file system {order['volume']}"):
                    found.append(Mount(access, target, volumes.take(order["volume"], uid)))
            elif order[name] is not None:
                with step(f"open the {name} folder {order[name]}"):
                    data = name == "data"
                    fd = tree.detached(order[name], uid) if data else views.open(order[name])
                    found.append(Mount(access, target, fd))
        for path, name, writable in order["folders"]:
            with step(f"open the shared folder {path}"):
                fd = tree.shared(path, uid if own_uids else None)
            found.append(Mount("write" if writable else "view", f"{tree.FOLDERS}/{name}", fd))
        if order["egress"] is not None:
            with step(f"open the egress proxy's socket {order['egress']}"):
                found.append(Mount("socket", tree.EGRESS, tree.detached_socket(order["egress"])))
        return found
    except StepError:
        if volumes is not None and any(mount.target == "/data" for mount in found) and order["volume"] is not None:
            volumes.give_back(order["volume"])
        close_all(found)
        raise


def close_all(found: Iterable[Mount]) -> None:
    """What is attached by now stays."""
    for mount in found:
        os.close(mount.fd)


class Doorway:
    """Goes into other mount namespaces and comes back. For a process with one thread (setns(2))."""

    def __init__(self) -> None:
        self._own = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        self._root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def attach(self, namespace: int, mounts: Iterable[Mount]) -> None:
        """Mounts them in that namespace. StepError when one can't be: the sandbox is not to be used then. OSError
        when there was no way back: this process is not to be used then."""
        with step("enter the sandbox's mount namespace"):
            linux.setns(namespace, linux.CLONE_NEWNS)
        try:
            folders = [mount.target for mount in mounts if mount.target.startswith(tree.FOLDERS + "/")]
            if folders:
                with step("make places for shared folders"):
                    _make_places(folders)
            for mount in mounts:
                with step(f"mount {mount.target}"):
                    _attach(mount)
        finally:
            linux.setns(self._own, linux.CLONE_NEWNS)
            os.fchdir(self._root)
            os.chroot(".")  # setns leaves the namespace's own root


def _attach(mount: Mount) -> None:
    flags = ACCESS[mount.access]
    before = linux.restrict_tree(mount.fd, flags)
    linux.attach_tree(mount.fd, mount.target)
    if not before:
        linux.restrict(mount.target, flags)


def _make_places(folders: list[str]) -> None:
    """Something to mount each shared folder on; read-only afterwards, like all of the tree."""
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("folders", tree.FOLDERS, "tmpfs", flags, "mode=0755,size=4k,nr_inodes=64")
    for folder in folders:
        os.mkdir(folder, 0o755)
    linux.restrict(tree.FOLDERS, flags | linux.MS_RDONLY)
