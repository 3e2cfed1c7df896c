"""Puts folders into containers that are running, for the Docker sandbox. Runs beside the host, as root.

Lines of JSON. From it, first of all: {"problem": "", "no_volumes": "", "no_rates": ""}, or why this host can't do
it, has no size limits for folders, or none for how fast they are written. Then, to it:

    {"id":1,"pid":4711,"user":270001,"mounts":[
        {"source":"/p","target":"/workspace","access":"read","owner":null},
        {"source":"/d/data.img","target":"/data","access":"write","owner":200003,"bytes":8388608}]}
    {"id":2,"release":"/d/data.img"}
    {"id":3,"used":"/d/data.img"}
    {"id":4,"place":"/d/placed/1","user":200003,"mounts":[{...,"target":"/d/placed/1/0",...}]}
    {"id":5,"unplace":"/d/placed/1"}
    {"id":6,"govern":4711,"name":"plugin_x","shares":1024}

and from it: {"id":1,"problem":"","own":false,"bytes":0}, own as in steps.PluginsOwn. Where a mount has bytes, its
source is an image that holds so much (see volumes.py), which is to be released when the container has ended.

A container of gVisor's sees only what was there when it was made. So folders can be placed before that: mounted in
a folder of the host's that isn't there yet, for the engine to find. The container keeps mounts of its own, so they
are unplaced as soon as it was made. What a helper that was killed has left there, the next takes away.

A container that was given its folders, and then its limits, is governed from there on (see governor.py).

The end of its input ends it, and every container that it put folders into: then the host is gone, however that
went, and a plugin that computes without end would not notice.

The folders are opened here, as mounts that are nowhere yet; a child then enters the container's mount
namespace, which is all it can see from there on, and attaches them. A folder with an owner is id-mapped
(mount_setattr(2), since Linux 5.12): its files belong to `owner` outside and to `user` inside, so that a
container, whose uid was chosen before its plugin was known, finds the plugin's files to be its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from typing import Any, Dict, List, NoReturn, Optional, Tuple

from berth_runtime import io_limits, linux, tree
from berth_runtime.container_governor import ContainerGovernor
from berth_runtime.disk_governor import DiskGovernor
from berth_runtime.io_limits import IoLimits
from berth_runtime.mounts import ACCESS
from berth_runtime.placing import Placing
from berth_runtime.steps import StepError, step
from berth_runtime.volumes import Volumes, usable
from berth_runtime.within import within


def main() -> NoReturn:
    """Serves until the input ends."""
    # A terminal's Ctrl-C is for the host, which still stops its plugins then.
    linux.ignore_signals([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    problem = ""
    if os.geteuid() != 0:
        problem = "Berth does not run as root, so it can't mount anything in a container that runs"
    else:
        try:
            os.close(linux.id_map(200_000, 200_000, 270_000))
        except OSError as e:
            problem = f"this kernel can't map ids: {e}"
    outside = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    limits = io_limits.find()
    volumes, no_volumes = (None, "") if problem else _volumes(sys.argv[2], sys.argv[3], limits)
    placing = Placing(outside, sys.argv[4])
    if not problem:
        try:
            placing.clear()
        except ValueError as e:
            problem = f"what an earlier helper left in {sys.argv[4]} can't be taken away: {e}"
    no_rates = no_volumes or (io_limits.MISSING if limits is None else "")
    _say({"problem": problem, "no_volumes": no_volumes, "no_rates": no_rates})
    if problem:
        sys.exit(1)
    _serve(volumes, placing)
    with contextlib.suppress(ValueError):  # the next will say
        placing.clear()
    sys.exit(0)


def _volumes(folder: str, probe: str, limits: Optional[IoLimits]) -> Tuple[Optional[Volumes], str]:
    """Where images are mounted, or why none can be."""
    if not probe:
        return None, "making file systems takes mkfs.ext4"
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_SLAVE)
    why = usable(probe, folder)
    return (None, why) if why else (Volumes(folder, DiskGovernor(limits)), "")


def _serve(volumes: Optional[Volumes], placing: Placing) -> None:
    rest = b""
    wait: Optional[float] = None
    containers: Dict[int, int] = {}  # pidfd -> pid, of their first processes
    governor = ContainerGovernor(os.getppid())
    poll = select.poll()
    poll.register(0, select.POLLIN)
    while True:
        for fd, _ in poll.poll(None if wait is None else int(wait * 1000) + 1):
            if fd != 0:  # it has ended
                poll.unregister(fd)
                governor.give_back(containers.pop(fd))
                os.close(fd)
                continue
            data = os.read(0, 65536)
            if not data:
                for container in containers:
                    with contextlib.suppress(ProcessLookupError):
                        signal.pidfd_send_signal(container, signal.SIGKILL)
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                order = json.loads(line)
                if "govern" in order:
                    if order["govern"] in containers.values():  # else it has ended
                        governor.take(order["govern"], order["name"], order["shares"])
                    _say({"id": order["id"]})
                    continue
                begun = _answer(order, volumes, placing)
                if begun is not None:
                    containers[begun] = order["pid"]
                    poll.register(begun, select.POLLIN)
        governor.look()
        due = (governor.next(), volumes.sweep() if volumes is not None else None)
        wait = min((seconds for seconds in due if seconds is not None), default=None)


def _answer(order: Dict[str, Any], volumes: Optional[Volumes], placing: Placing) -> Optional[int]:
    """The pidfd of the container that an order put folders into."""
    used, problem, own = 0, "", False
    container: Optional[int] = None
    try:
        if "pid" in order:
            container = os.pidfd_open(order["pid"])
            if order["mounts"]:
                _mount(order, volumes, placing)
        elif "place" in order:
            _mount(order, volumes, placing)
        elif "unplace" in order:
            placing.take_away(order["unplace"])
        elif volumes is not None and "release" in order:
            volumes.give_back(order["release"])
        elif volumes is not None and "used" in order:
            used = volumes.used(order["used"])
    except (OSError, ValueError, StepError) as e:
        problem = f"{e.step}: {e.cause}" if isinstance(e, StepError) else str(e)
        own = isinstance(e, StepError) and e.own
        if container is not None:
            os.close(container)
            container = None
    _say({"id": order["id"], "problem": problem, "own": own, "bytes": used})
    return container


def _say(event: Dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the host is gone: the end of the input will say so, and what to do
        os.write(1, json.dumps(event).encode() + b"\n")


def _mount(order: Dict[str, Any], volumes: Optional[Volumes], placing: Placing) -> None:
    """Opens an order's folders, and mounts them where it says."""
    mounts = order["mounts"]
    detached: List[int] = []
    try:
        for mount in mounts:
            detached.append(_open(mount, order["user"], volumes, "place" in order))
        if "place" in order:
            placing.put(order["place"], mounts, detached)
        else:
            _attach(order["pid"], mounts, detached)
        for mount in mounts:
            if mount["bytes"] and volumes is not None:
                # The process of a container that isn't made yet has no number.
                volumes.used_by(mount["source"], order.get("pid", os.getpid()))
    except BaseException:
        for mount in mounts[: len(detached)]:
            if mount["bytes"] and volumes is not None:
                volumes.give_back(mount["source"])
        raise
    finally:
        for fd in detached:
            os.close(fd)


def _open(mount: Dict[str, Any], user: int, volumes: Optional[Volumes], by_root: bool) -> int:
    source, owner, access = mount["source"], mount["owner"], mount["access"]
    with step(f"open {source}"):
        if access == "socket":
            return tree.detached_socket(source)
        if owner is None and access in ("view", "write"):
            return tree.shared(source, user, by_root)
        if mount["bytes"]:
            assert volumes is not None
            fd = volumes.take(source, owner)
        else:
            fd = tree.detached(source, owner)
    if owner is not None and owner != user:
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

    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        within(namespace, work)
    finally:
        os.close(namespace)


def _make_room(target: str) -> None:
    """A place in the container's read-only /folders."""
    folder = os.path.dirname(target)
    linux.mount("none", folder, None, linux.MS_REMOUNT | linux.MS_BIND | ACCESS["write"])
    try:
        os.mkdir(target, 0o755)
    finally:
        linux.mount("none", folder, None, linux.MS_REMOUNT | linux.MS_BIND | ACCESS["read"] | linux.MS_NOEXEC)
