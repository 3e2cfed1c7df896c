"""Puts folders into containers that are running, for the Docker sandbox. Runs beside the host, as root.

Lines of JSON. From it, first of all: {"problem": "", "no_volumes": "", "no_rates": "", "no_views": ""}, or why this
host can't do it, has no size limits for folders, none for how fast they are written, or no views (see views.py).
Then, to it:

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

How the folders come there is told in container_folders.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from typing import Any, Dict, NoReturn, Optional, Tuple

from berth_runtime import io_limits, linux
from berth_runtime.container_folders import ContainerFolders
from berth_runtime.container_governor import ContainerGovernor
from berth_runtime.disk_governor import DiskGovernor
from berth_runtime.io_limits import IoLimits
from berth_runtime.mounts import ACCESS
from berth_runtime.placing import Placing
from berth_runtime.steps import StepError
from berth_runtime.views import PLAIN, find
from berth_runtime.volumes import Volumes, usable


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
    volumes, no_volumes, views, no_views = None, problem, PLAIN, problem
    if not problem:
        _be_alone(sys.argv[2])
        views, no_views = find(f"{sys.argv[2]}/empty")
        volumes, no_volumes = _volumes(f"{sys.argv[2]}/volumes", sys.argv[3], limits)
    placing = Placing(outside, sys.argv[4])
    if not problem:
        try:
            placing.clear()
        except ValueError as e:
            problem = f"what an earlier helper left in {sys.argv[4]} can't be taken away: {e}"
    no_rates = no_volumes or (io_limits.MISSING if limits is None else "")
    _say({"problem": problem, "no_volumes": no_volumes, "no_rates": no_rates, "no_views": no_views})
    if problem:
        sys.exit(1)
    _serve(ContainerFolders(volumes, views, placing), volumes)
    with contextlib.suppress(ValueError):  # the next will say
        placing.clear()
    sys.exit(0)


def _be_alone(folder: str) -> None:
    """A mount namespace of our own, and room in it for two empty folders."""
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_SLAVE)
    linux.mount("berth", folder, "tmpfs", ACCESS["write"], "mode=0700,size=4m")
    for name in ("empty", "volumes"):
        os.mkdir(f"{folder}/{name}", 0o700)


def _volumes(folder: str, probe: str, limits: Optional[IoLimits]) -> Tuple[Optional[Volumes], str]:
    """Where images are mounted, or why none can be."""
    if not probe:
        return None, "making file systems takes mkfs.ext4"
    why = usable(probe, folder)
    return (None, why) if why else (Volumes(folder, DiskGovernor(limits)), "")


def _serve(folders: ContainerFolders, volumes: Optional[Volumes]) -> None:
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
                if volumes is not None:
                    volumes.close()
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
                begun = _answer(order, folders, volumes)
                if begun is not None:
                    containers[begun] = order["pid"]
                    poll.register(begun, select.POLLIN)
        governor.look()
        due = (governor.next(), volumes.sweep() if volumes is not None else None)
        wait = min((seconds for seconds in due if seconds is not None), default=None)


def _answer(order: Dict[str, Any], folders: ContainerFolders, volumes: Optional[Volumes]) -> Optional[int]:
    """The pidfd of the container that an order put folders into."""
    used, problem, own = 0, "", False
    container: Optional[int] = None
    try:
        if "pid" in order:
            container = os.pidfd_open(order["pid"])
            if order["mounts"]:
                folders.mount(order)
        elif "place" in order:
            folders.mount(order)
        elif "unplace" in order:
            folders.take_away(order["unplace"])
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
