"""The launcher: takes the host's orders to start and kill workers, and tells it how they end.

It prepares everything, forks the zygote, which makes the processes, and then feeds those what they are to become.

The host speaks to it in lines of JSON. To it, on standard input: first the settings (see Settings), then

    {"op":"start","id":7,"name":"plugin_x","package":"/p","site":null,"data":"/d","slot":3,
     "volume":null,"folders":[["/srv/a","a",true]],"egress":"/run/e.sock","token":"<64 hex digits>",
     "memory":536870912,"shares":1024}
    {"op":"kill","id":7}
    {"op":"disk","id":7}

From it, on standard output:

    {"event":"ready", ...}                       what it can enforce
    {"event":"unavailable","why":"..."}          instead, and it ends
    {"event":"started","id":7,"pid":123,"cgroups":{"memory":"/sys/..."}}
    {"event":"disk","id":7,"bytes":4096}         how much of its /data is in use, 0 where that isn't known
    {"event":"failed","id":7,"step":"mount /data","why":"..."}      no process is left then
    {"event":"exit","id":7,"status":0,"signal":0,"oom":false}      no process is left then

The end of its input means that the host is gone: it kills everything, removes the control groups and ends.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, NoReturn

from berth_runtime import features, host_facts, jail, linux, preparation, rehearsal, tree, zygote
from berth_runtime.cgroups import Cgroups, Group
from berth_runtime.governor import Governor
from berth_runtime.preparation import Settings
from berth_runtime.spares import Spares

_PARKING_AT_ONCE = 2
_RETRY_SECONDS = 0.02
# A folder's name in an order, how it may be used (see jail.ACCESS), and where the plugin sees it.
_FOLDERS = (
    ("package", "read", "/workspace"),
    ("site", "read", "/site"),
    ("data", "write", "/data"),
)


@dataclass
class Child:
    """A sandbox, from its fork to its end. state: parking, parked, starting or running."""

    pid: int
    pidfd: int
    control: socket.socket
    status: int
    group: Group
    state: str = "parking"
    worker: int = 0
    request: dict[str, Any] | None = None
    failure: tuple[str, str] | None = None
    ending: bool = False
    volume: str | None = None

    def kill(self) -> None:
        """Kills its init, and so all of it."""
        try:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it is ending already


def main() -> NoReturn:
    """Reads the settings and serves until the input ends."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)  # no more than the line: the rest belongs to the loop
        if not piece:
            sys.exit(0)
        line += piece
    settings = Settings(**json.loads(line))
    try:
        launcher = Launcher(settings)
    except (OSError, features.Unavailable, ValueError, ImportError, jail.StepError) as e:
        _say({"event": "unavailable", "why": str(e)})
        sys.exit(1)
    launcher.serve()


def _say(event: dict[str, Any]) -> None:
    data = json.dumps(event, separators=(",", ":")).encode() + b"\n"
    while data:
        try:
            data = data[os.write(1, data) :]
        except BrokenPipeError:
            return  # the host is gone; the end of input tells the loop


class Launcher:
    """Feeds and buries sandboxes, in one thread that never waits for any one of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._children: dict[int, Child] = {}  # by pid
        self._by_fd: dict[int, Child] = {}
        self._queue: deque[dict[str, Any]] = deque()
        self._unborn: deque[tuple[socket.socket, int, Group]] = deque()
        self._leaving: list[Group] = []
        self._input = b""
        self._count = 0
        self._sweep_in: float | None = None
        self._spares = Spares(settings.parked)
        self._poll = select.poll()

        # The root itself is a small file system of its own from here on.
        self._data = os.path.dirname(os.path.dirname(settings.root))
        prepared = preparation.prepare(settings)
        self._cgroups: Cgroups = prepared.cgroups
        self._governor = Governor(prepared.cgroups)
        self._jail = prepared.jail
        self._found = prepared.found
        self._volumes = prepared.volumes
        # What is here now will never be freed: keep the collector's hands, and so the copies, off it.
        gc.collect()
        gc.disable()
        self._gaps = rehearsal.fill_gaps()
        gc.freeze()
        self._zygote_pid, self._zygote = zygote.start(self._jail, self._cgroups)

    def serve(self) -> NoReturn:
        """The loop. Ends the process."""
        os.set_blocking(0, False)
        self._poll.register(0, select.POLLIN)
        self._poll.register(self._zygote, select.POLLIN)
        linux.set_title(self._jail.title, b"berth-launcher")
        _say(
            {
                "event": "ready",
                "first_uid": jail.FIRST_UID if self._jail.uids else None,
                "enforced": self._found.enforced,
                "missing": [[name, *text] for name, text in self._found.missing.items()],
                "findings": [finding.row() for finding in host_facts.look(self._data)],
            }
        )
        while True:
            for fd, _ in self._poll.poll(self._timeout()):
                if fd == 0 and not self._read_input():
                    self._leave(0)
                if fd == self._zygote.fileno() and not self._hear_zygote():
                    print("The zygote ended; every worker ends with it.", file=sys.stderr, flush=True)
                    self._leave(1)
                child = self._by_fd.get(fd)
                if child is None:
                    continue
                if fd == child.pidfd:
                    self._forget(fd)
                    self._reap(child)
                else:
                    self._hear(child)
            self._fill()
            self._leaving = [group for group in self._leaving if not group.remove()]
            self._governor.look()
            self._sweep_in = self._volumes.sweep() if self._volumes is not None else None

    def _timeout(self) -> int | None:
        waits = [_RETRY_SECONDS] if self._leaving else []
        spare_in = self._spares.next(self._parking(), len(self._queue))
        waits += [wait for wait in (self._sweep_in, self._governor.next(), spare_in) if wait is not None]
        return max(0, int(min(waits) * 1000) + 1) if waits else None

    # The host's orders.

    def _read_input(self) -> bool:
        """False at the end of input."""
        try:
            data = os.read(0, 65536)
        except BlockingIOError:
            return True
        if not data:
            return False
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if order["op"] == "start":
                self._queue.append(order)
                self._serve_queue()
            elif order["op"] == "kill":
                self._kill(order["id"])
            elif order["op"] == "disk":
                _say({"event": "disk", "id": order["id"], "bytes": self._disk(order["id"])})
        return True

    def _disk(self, request: int) -> int:
        for child in self._children.values():
            if child.request is not None and child.request["id"] == request and child.volume is not None:
                assert self._volumes is not None
                return self._volumes.used(child.volume)
        return 0

    def _kill(self, request: int) -> None:
        for child in self._children.values():
            if child.request is not None and child.request["id"] == request:
                child.kill()
                return
        for waiting in self._queue:
            if waiting["id"] == request:
                self._queue.remove(waiting)
                self._fail(waiting, "wait for a free sandbox", "killed before it started")
                return

    # Children.

    def _fill(self) -> None:
        """Forks what is asked for now, and in quiet moments what will be asked for next."""
        parking = self._parking()
        while parking < min(len(self._queue), _PARKING_AT_ONCE):
            self._fork()
            parking += 1
        parked = sum(child.state == "parked" for child in self._children.values())
        if self._spares.wants(parking, parked, len(self._queue)):
            self._fork()

    def _parking(self) -> int:
        """How many are on their way."""
        return len(self._unborn) + sum(child.state == "parking" for child in self._children.values())

    def _fork(self) -> None:
        """Asks the zygote for a child; _hear_zygote takes it in."""
        self._count += 1
        name = f"w{self._count}"
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        status, status_write = os.pipe()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            socket.send_fds(self._zygote, [b"fork " + name.encode()], [theirs.fileno(), status_write])
        finally:
            theirs.close()
            os.close(status_write)
        self._unborn.append((ours, status, self._cgroups.group(name)))

    def _hear_zygote(self) -> bool:
        """One answer; False when there will be no more."""
        message, ancillary, _, _ = self._zygote.recvmsg(
            zygote.MESSAGE, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC
        )
        word, _, rest = message.decode().partition(" ")
        if word == "born":
            self._take_in(int(rest), struct.unpack("i", ancillary[0][2])[0])
        elif word == "failed":
            control, status, _ = self._unborn.popleft()
            control.close()
            os.close(status)
            self._parking_failed("fork", rest)
        elif word == "gone":
            pid, wait_status = rest.split()
            self._bury(self._children[int(pid)], int(wait_status))
        return bool(message)

    def _take_in(self, pid: int, pidfd: int) -> None:
        control, status, group = self._unborn.popleft()
        child = Child(pid, pidfd, control, status, group)
        self._children[pid] = child
        for fd in (child.pidfd, control.fileno()):
            self._by_fd[fd] = child
            self._poll.register(fd, select.POLLIN)

    def _hear(self, child: Child) -> None:
        """One message of a child, or the end of its messages, which comes when all is done."""
        try:
            data, ancillary, _, _ = child.control.recvmsg(65536, socket.CMSG_SPACE(12))
        except OSError:
            data, ancillary = b"", []
        if not data:
            self._forget(child.control.fileno())
            child.control.close()
            if child.state == "starting":
                child.state = "running"
                self._spares.calm()
            return
        if data == jail.PARKED:
            child.worker = struct.unpack("3i", ancillary[0][2])[0]
            child.state = "parked"
            self._serve_queue()
        elif data == jail.READY:
            try:
                self._grant(child)
            except jail.StepError as e:
                child.failure = (e.step, e.cause)
                child.kill()
        else:
            self._note_failure(child, data)

    def _note_failure(self, child: Child, data: bytes) -> None:
        message = json.loads(data)
        child.failure = (str(message["failed"]), str(message["why"]))

    def _serve_queue(self) -> None:
        parked = [child for child in self._children.values() if child.state == "parked"]
        while self._queue and parked:
            self._begin(parked.pop(0), self._queue.popleft())

    def _begin(self, child: Child, order: dict[str, Any]) -> None:
        """Tells a parked child what it is to become."""
        self._spares.disturb()
        mounts: list[tuple[str, str, int]] = []  # access, where, a descriptor of the detached mount
        try:
            uid = jail.FIRST_UID + int(order["slot"]) if self._jail.uids else 0
            if uid > jail.LAST_UID:
                raise jail.StepError("choose a uid", ValueError(f"there is none for slot {order['slot']}"))
            for name, access, target in _FOLDERS:
                if name == "data" and order["volume"] is not None:
                    mounts.append((access, target, self._take_volume(child, order, uid)))
                elif order[name] is not None:
                    with jail.step(f"open the {name} folder {order[name]}"):
                        fd = tree.detached(order[name], uid if name == "data" else None)
                    mounts.append((access, target, fd))
            for path, name, writable in order["folders"]:
                with jail.step(f"open the shared folder {path}"):
                    fd = tree.shared(path, uid if self._jail.uids else None)
                mounts.append(("write" if writable else "view", f"{tree.FOLDERS}/{name}", fd))
            if order["egress"] is not None:
                with jail.step(f"open the egress proxy's socket {order['egress']}"):
                    mounts.append(("socket", tree.EGRESS, tree.detached_socket(order["egress"])))
            child.request, child.state = order, "starting"
            with jail.step("tell the parked process"):
                lines = [order["token"], order["name"], str(uid)] + [f"{access} {at}" for access, at, _ in mounts]
                socket.send_fds(child.control, ["\n".join(lines).encode()], [fd for _, _, fd in mounts])
        except jail.StepError as e:
            if child.request is None:  # nothing has reached the child, it stays for another
                self._give_back(child)
                self._fail(order, e.step, e.cause)
            else:
                child.failure = (e.step, e.cause)
                child.kill()
            return
        finally:
            for _, _, fd in mounts:
                os.close(fd)
        _say({"event": "started", "id": order["id"], "pid": child.pid, "cgroups": child.group.folders})

    def _take_volume(self, child: Child, order: dict[str, Any], uid: int) -> int:
        image = str(order["volume"])
        assert self._volumes is not None
        with jail.step(f"mount the file system {image}"):
            fd = self._volumes.take(image, uid)
        child.volume = image
        return fd

    def _give_back(self, child: Child) -> None:
        if self._volumes is not None and child.volume is not None:
            self._volumes.give_back(child.volume)
            child.volume = None

    def _grant(self, child: Child) -> None:
        """Does for a child what only its parent may, then lets it go on."""
        order = child.request
        assert order is not None
        with jail.step("set the control group's limits"):
            child.group.limit(order["memory"], order["shares"])
        self._governor.take(order["name"], child.group, order["shares"])
        if self._jail.user_namespace:
            outside = jail.FIRST_UID + int(order["slot"]) if self._jail.uids else 0
            for name in ("gid_map", "uid_map"):
                with jail.step(f"write {name}"), open(f"/proc/{child.worker}/{name}", "wb", 0) as f:
                    f.write(b"%d %d 1\n" % (tree.PLUGIN_ID, outside))
        with jail.step("let the process go on"):
            child.control.send(b"go")

    def _reap(self, child: Child) -> None:
        """Asks the zygote, whose child it is; the host is told when its process id is free."""
        if not child.ending:
            child.ending = True
            try:
                self._zygote.send(b"reap %d" % child.pid)
            except BrokenPipeError:
                pass  # without a zygote the system reaps, and we are about to leave

    def _bury(self, child: Child, status: int) -> None:
        """A sandbox has ended: its init is the last process of its namespace to go."""
        word = os.read(child.status, 4)
        if len(word) == 4:
            status = struct.unpack("i", word)[0]
        os.close(child.pidfd)
        os.close(child.status)
        if child.control.fileno() >= 0:
            self._hear_last(child)
            self._forget(child.control.fileno())
            child.control.close()
        del self._children[child.pid]
        self._governor.give_back(child.group)
        self._give_back(child)
        oom = os.WIFSIGNALED(status) and child.group.oom_kills() > 0
        if not child.group.remove():
            self._leaving.append(child.group)
        if child.request is None:
            if child.state == "parking":
                self._parking_failed(*(child.failure or ("park", f"ended with wait status {status}")))
        elif child.failure is not None:
            self._fail(child.request, *child.failure)
        else:
            _say(
                {
                    "event": "exit",
                    "id": child.request["id"],
                    "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1,
                    "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
                    "oom": oom,
                }
            )

    def _hear_last(self, child: Child) -> None:
        """What it said just before it ended, if that was not read yet."""
        with contextlib.suppress(OSError, ValueError):
            while data := child.control.recv(65536, socket.MSG_DONTWAIT):
                if data.startswith(b"{"):
                    self._note_failure(child, data)

    def _forget(self, fd: int) -> None:
        self._poll.unregister(fd)
        del self._by_fd[fd]

    def _parking_failed(self, step: str, why: str) -> None:
        if self._queue:
            self._fail(self._queue.popleft(), step, why)
        else:
            self._spares.disturb()  # the next would hardly do better
            print(f"No spare sandbox could be made: {step}: {why}", file=sys.stderr, flush=True)

    def _fail(self, order: dict[str, Any], step: str, why: str) -> None:
        self._spares.calm()  # this start is over, too
        _say({"event": "failed", "id": order["id"], "step": step, "why": why})

    def _leave(self, status: int) -> NoReturn:
        """The host is gone or wants no more."""
        while self._unborn and self._hear_zygote():
            pass
        for child in self._children.values():
            child.kill()
        for child in list(self._children.values()):
            ended = select.poll()
            ended.register(child.pidfd, select.POLLIN)
            ended.poll()
            self._reap(child)
        while self._children and self._hear_zygote():
            pass
        self._leaving += [child.group for child in self._children.values()]
        self._zygote.close()  # the order to end
        os.waitpid(self._zygote_pid, 0)
        deadline = time.monotonic() + 1
        while self._leaving and time.monotonic() < deadline:
            self._leaving = [group for group in self._leaving if not group.remove()]
            if self._leaving:
                time.sleep(0.002)  # the kernel tells nobody when it is done with a group
        self._cgroups.close()
        os._exit(status)
