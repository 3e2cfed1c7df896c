"""Puts a plugin's folders into its container. attach.py says what its orders mean.

The folders are opened here, as mounts that are nowhere yet; a child then enters the container's mount
namespace, which is all it can see from there on, and attaches them. A folder with an owner is id-mapped
(mount_setattr(2), since Linux 5.12): its files belong to `owner` outside and to `user` inside, so that a
container, whose uid was chosen before its plugin was known, finds the plugin's files to be its own.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional

from berth_runtime import linux, network, tree
from berth_runtime.mounts import ACCESS
from berth_runtime.placing import Placing
from berth_runtime.steps import step
from berth_runtime.views import Views
from berth_runtime.volumes import Volumes
from berth_runtime.within import within


class ContainerFolders:
    """volumes: None where nothing has a size. views: how folders are shown that plugins only read."""

    def __init__(self, volumes: Optional[Volumes], views: Views, placing: Placing) -> None:
        self._volumes = volumes
        self._views = views
        self._placing = placing

    def mount(self, order: Dict[str, Any]) -> None:
        """Opens an order's folders, and mounts them where it says. Raises OSError, ValueError or StepError; nothing
        is taken then."""
        mounts = order["mounts"]
        detached: List[int] = []
        try:
            for mount in mounts:
                detached.append(self._open(mount, order["user"], "place" in order))
            if "place" in order:
                self._placing.put(order["place"], mounts, detached)
            else:
                _attach(order["pid"], mounts, detached)
            for mount in mounts:
                if mount["bytes"] and self._volumes is not None:
                    # The process of a container that isn't made yet has no number.
                    self._volumes.used_by(mount["source"], order.get("pid", os.getpid()))
        except BaseException:
            for mount in mounts[: len(detached)]:
                if mount["bytes"] and self._volumes is not None:
                    self._volumes.give_back(mount["source"])
            raise
        finally:
            for fd in detached:
                os.close(fd)

    def take_away(self, place: str) -> None:
        """What was mounted for the engine to see. Raises ValueError."""
        self._placing.take_away(place)

    def _open(self, mount: Dict[str, Any], user: int, by_root: bool) -> int:
        source, owner, access = mount["source"], mount["owner"], mount["access"]
        with step(f"open {source}"):
            if access == "socket":
                return tree.detached_socket(source)
            if owner is None and access == "read":
                return self._views.open(source)
            if owner is None:
                return tree.shared(source, user, by_root)
            if mount["bytes"]:
                assert self._volumes is not None
                fd = self._volumes.take(source, owner)
            else:
                fd = tree.detached(source, owner)
        if owner != user:
            with step(f"map the owner of {source}"):
                mapped = linux.id_map(owner, owner, user)
                try:
                    linux.apply_id_map(fd, mapped)
                finally:
                    os.close(mapped)
        return fd


def _attach(pid: int, mounts: List[Dict[str, Any]], detached: List[int]) -> None:
    def work() -> None:
        for mount, fd in zip(mounts, detached):
            target = mount["target"]
            with step(f"mount {target}"):
                if target.startswith("/folders/"):
                    _make_room(target)
                linux.attach_tree(fd, target)
                linux.restrict(target, ACCESS[mount["access"]])

    def before() -> None:
        with step("bound the container's network"):
            linux.setns(own_network, linux.CLONE_NEWNET)
            why = network.bound()
            if why:
                raise ValueError(why)  # DockerIsolation says that it is bounded
            linux.loopback_up()

    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    own_network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        within(namespace, work, before)
    finally:
        os.close(namespace)
        os.close(own_network)


def _make_room(target: str) -> None:
    """A place in the container's read-only /folders."""
    folder = os.path.dirname(target)
    linux.mount("none", folder, None, linux.MS_REMOUNT | linux.MS_BIND | ACCESS["write"])
    try:
        os.mkdir(target, 0o755)
    finally:
        linux.mount("none", folder, None, linux.MS_REMOUNT | linux.MS_BIND | ACCESS["read"] | linux.MS_NOEXEC)
