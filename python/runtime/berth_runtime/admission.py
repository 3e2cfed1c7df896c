"""What the launcher does to make a plugin's sandbox of a parked child; the child's own part is in entry.py."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Callable

from berth_runtime import jail, mounts, tree
from berth_runtime.child import Child
from berth_runtime.jail import Jail
from berth_runtime.mounts import Doorway
from berth_runtime.steps import StepError, step
from berth_runtime.views import Views
from berth_runtime.volumes import Volumes


class Admission:
    """usual_memory: the limit that most plugins have, in bytes. Sandboxes have it beforehand."""

    def __init__(self, common: Jail, volumes: Volumes | None, views: Views, usual_memory: int) -> None:
        self._jail = common
        self._volumes = volumes
        self._views = views
        self._usual_memory = usual_memory
        self._doorway = Doorway()

    def prepare(self, child: Child) -> None:
        """It waits, for whichever plugin. Raises OSError when it doesn't any more."""
        child.view = os.open(f"/proc/{child.worker}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # admit() tries it again
            _bound(child, self._usual_memory)

    def uid(self, slot: int) -> int:
        """Whose the sandbox will be, seen from outside. StepError when there is none for that slot."""
        if not self._jail.uids:
            return 0
        uid = jail.FIRST_UID + slot
        if uid > jail.LAST_UID:
            raise StepError("choose a uid", ValueError(f"there is none for slot {slot}"))
        return uid

    def admit(self, child: Child, order: dict[str, Any], uid: int, told: Callable[[], None]) -> None:
        """Gives it what the order (see launcher.py) says and lets it go on. told: called once it has its folders.
        StepError when something can't be done: the child is not to be used then."""
        self._identify(child, uid)
        found = mounts.open_all(order, uid, self._jail.uids, self._volumes, self._views)
        try:
            child.volume = order["volume"]
            if self._volumes is not None and child.volume is not None:
                self._volumes.used_by(child.volume, child.pid)
            self._doorway.attach(child.view, found)
            told()
            with step("set the control group's limits"):
                _bound(child, order["memory"])
                child.group.weigh(order["shares"])
            with step("tell the parked process who it is"):
                writable = [mount.target for mount in found if mount.access == "write"]
                child.control.send("\n".join([order["name"], str(uid), *writable]).encode())
        finally:
            mounts.close_all(found)

    def _identify(self, child: Child, uid: int) -> None:
        """Says to the kernel who it is: its uid outside of its user namespace."""
        if self._jail.user_namespace:
            for name in ("gid_map", "uid_map"):
                with step(f"write {name}"):
                    fd = os.open(f"/proc/{child.worker}/{name}", os.O_WRONLY | os.O_CLOEXEC)
                    try:
                        os.write(fd, b"%d %d 1\n" % (tree.PLUGIN_ID, uid))
                    finally:
                        os.close(fd)


def _bound(child: Child, memory: int) -> None:
    if child.memory != memory:
        child.group.bound(memory)
        child.memory = memory
