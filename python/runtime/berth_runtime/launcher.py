"""The launcher: takes the host's orders to start and kill workers, and tells it how they end.

It prepares everything, forks the zygote, which makes the processes, and then feeds those what they are to become.

The host speaks to it in lines of JSON. To it, on standard input: first the settings (see Settings), then

    {"op":"start","id":7,"name":"plugin_x","package":"/p","site":null,"data":"/d","slot":3,
     "volume":null,"folders":[["/srv/a","a",true]],"egress":"/run/e.sock","memory":536870912,"shares":1024}
    {"op":"kill","id":7}
    {"op":"disk","id":7}
    {"op":"welcome","child":12}                  its token is waited for now

From it, on standard output:

    {"event":"ready", ...}                       what it can enforce
    {"event":"unavailable","why":"..."}          instead, and it ends
    {"event":"coming","child":12,"token":"<64 hex digits>","uid":257356}     a sandbox for some later start is made,
                                                 and will connect to the host as this uid, null for the host's own
    {"event":"lost","child":12}                  it has ended, or never was, and no start was said to have it
    {"event":"started","id":7,"child":12,"pid":123,"cgroups":{"memory":"/sys/..."}}
    {"event":"disk","id":7,"bytes":4096}         how much of its /data is in use, 0 where that isn't known
    {"event":"failed","id":7,"step":"mount /data","why":"...","own":false}      no process is left then
    {"event":"exit","id":7,"status":0,"signal":0,"oom":false}      no process is left then

The end of its input means that the host is gone: it kills everything, removes the control groups and ends.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import socket
import struct
import sys
import time
from collections import deque
from typing import Any, NoReturn

from berth_runtime import entry, features, host_facts, jail, linux, preparation, rehearsal
from berth_runtime.admission import Admission
from berth_runtime.cgroups import Cgroups, Group
from berth_runtime.child import Child
from berth_runtime.governor import Governor
from berth_runtime.nursery import Gone, Nursery, Unborn
from berth_runtime.orders import Orders, first_line, say
from berth_runtime.postponement import Postponement
from berth_runtime.preparation import Settings
from berth_runtime.spares import Spares
from berth_runtime.steps import StepError

_PARKING_AT_ONCE = 2
_RETRY_SECONDS = 0.02
_LATER_SECONDS = 0.02


def main() -> NoReturn:
    """Reads the settings and serves until the input ends."""
    first = first_line()
    if first is None:
        sys.exit(0)
    settings = Settings(**first)
    try:
        launcher = Launcher(settings)
    except (OSError, features.Unavailable, ValueError, ImportError, StepError) as e:
        say({"event": "unavailable", "why": str(e)})
        sys.exit(1)
    launcher.serve()


class Launcher:
    """Feeds and buries sandboxes, in one thread that never waits for any one of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._children: dict[int, Child] = {}  # by pid
        self._by_fd: dict[int, Child] = {}
        self._queue: deque[dict[str, Any]] = deque()
        self._leaving: list[Group] = []
        self._begun: deque[tuple[float, Child]] = deque()
        self._sweep_in: float | None = None
        self._ending = False
        self._spares = Spares(settings.parked)
        self._poll = select.poll()

        # The root itself is a small file system of its own from here on.
        self._data = os.path.dirname(os.path.dirname(settings.root))
        prepared = preparation.prepare(settings)
        self._cgroups: Cgroups = prepared.cgroups
        self._governor = Governor(prepared.cgroups.common(), settings.host)
        self._postponement = Postponement(settings.host)
        self._jail = prepared.jail
        self._found = prepared.found
        self._volumes = prepared.volumes
        self._admission = Admission(prepared.jail, prepared.volumes, prepared.views, settings.usual_memory)
        # What is here now will never be freed: keep the collector's hands, and so the copies, off it.
        gc.collect()
        gc.disable()
        self._gaps = rehearsal.fill_gaps()
        gc.freeze()
        self._nursery = Nursery(self._jail, self._cgroups)
        self._orders = Orders()

    def serve(self) -> NoReturn:
        """The loop. Ends the process."""
        self._poll.register(0, select.POLLIN)
        self._poll.register(self._nursery, select.POLLIN)
        linux.set_title(self._jail.title, b"berth-launcher")
        say(
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
                if fd == self._nursery.fileno() and not self._hear_zygote():
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
            self._finish_starts()
            self._fill()
            self._leaving = [group for group in self._leaving if not group.remove()]
            self._governor.look()
            self._postponement.look()
            self._sweep_in = self._volumes.sweep() if self._volumes is not None else None

    def _timeout(self) -> int | None:
        waits = [_RETRY_SECONDS] if self._leaving else []
        if self._begun:
            waits.append(max(0.0, self._begun[0][0] - time.monotonic()))
        spare_in = self._spares.next(self._parking(), len(self._queue))
        due = (self._sweep_in, self._governor.next(), self._postponement.next(), spare_in)
        waits += [wait for wait in due if wait is not None]
        return max(0, int(min(waits) * 1000) + 1) if waits else None

    # The host's orders.

    def _read_input(self) -> bool:
        """False at the end of input."""
        come = self._orders.read()
        if come is None:
            return False
        for order in come:
            if order["op"] == "start":
                self._queue.append(order)
                self._serve_queue()
            elif order["op"] == "kill":
                self._kill(order["id"])
            elif order["op"] == "welcome":
                self._nursery.welcome(order["child"])
            elif order["op"] == "disk":
                say({"event": "disk", "id": order["id"], "bytes": self._disk(order["id"])})
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
            self._fork("hurry")
            parking += 1
        parked = sum(child.state == "parked" for child in self._children.values())
        if self._spares.wants(parking, parked, len(self._queue)):
            self._fork("spare")

    def _fork(self, word: str) -> None:
        coming = self._nursery.fork(word)
        say({"event": "coming", "child": coming.number, "token": coming.token, "uid": coming.uid})

    def _parking(self) -> int:
        """How many are on their way."""
        return self._nursery.asked() + sum(child.state == "parking" for child in self._children.values())

    def _hear_zygote(self) -> bool:
        """One answer; False when there will be no more."""
        heard = self._nursery.hear()
        if isinstance(heard, Child):
            self._children[heard.pid] = heard
            self._listen(heard, heard.pidfd)
            self._listen(heard, heard.control.fileno())
        elif isinstance(heard, Unborn):
            say({"event": "lost", "child": heard.number})
            self._parking_failed("fork", heard.why)
        elif isinstance(heard, Gone):
            self._bury(self._children[heard.pid], heard.status)
        return heard is not None

    def _listen(self, child: Child, fd: int) -> None:
        self._by_fd[fd] = child
        self._poll.register(fd, select.POLLIN)

    def _finish_starts(self) -> None:
        """What a start leaves for when its plugin is loaded."""
        while self._begun and self._begun[0][0] <= time.monotonic():
            _, child = self._begun.popleft()
            self._spares.calm()
            if child.control.fileno() >= 0:  # it has not ended yet
                self._listen(child, child.control.fileno())
                os.close(child.view)
                child.view = -1

    def _hear(self, child: Child) -> None:
        """One message of a child, or the end of its messages, which comes when all is done."""
        try:
            data, ancillary, _, _ = child.control.recvmsg(65536, socket.CMSG_SPACE(12))
        except OSError:
            data, ancillary = b"", []
        if not data:
            self._forget(child.control.fileno())
            child.control.close()
            return
        if data == entry.PARKED:
            child.worker = struct.unpack("3i", ancillary[0][2])[0]
            try:
                self._admission.prepare(child)
            except OSError as e:
                child.failure = ("look into the parked process", str(e), False)
                child.kill()
                return
            child.state = "parked"
            self._serve_queue()
        else:
            self._note_failure(child, data)

    def _note_failure(self, child: Child, data: bytes) -> None:
        message = json.loads(data)
        child.failure = (str(message["failed"]), str(message["why"]), False)  # no plugin had a part in it yet

    def _serve_queue(self) -> None:
        parked = [child for child in self._children.values() if child.state == "parked"]
        while self._queue and parked:
            self._begin(parked.pop(0), self._queue.popleft())

    def _begin(self, child: Child, order: dict[str, Any]) -> None:
        """Makes of a parked child what is asked for."""
        self._spares.disturb()
        self._postponement.started()
        try:
            uid = self._admission.uid(int(order["slot"]))
        except StepError as e:
            self._fail(order, e.step, e.cause)  # nothing has become of the child, it stays for another
            return
        child.request, child.state = order, "running"
        try:
            self._admission.admit(child, order, uid, lambda: self._tell_started(child, order))
        except StepError as e:
            child.failure = (e.step, e.cause, e.own)
            child.kill()
        else:
            self._governor.take(order["name"], child.group, order["shares"], child.worker)

    def _tell_started(self, child: Child, order: dict[str, Any]) -> None:
        event = {"event": "started", "id": order["id"], "child": child.number, "pid": child.pid}
        say({**event, "cgroups": child.group.folders})
        child.told = True
        # The child may have to wait for this process's CPU, so whatever can be done later is.
        self._forget(child.control.fileno())
        self._begun.append((time.monotonic() + _LATER_SECONDS, child))

    def _give_back(self, child: Child) -> None:
        if self._volumes is not None and child.volume is not None:
            self._volumes.give_back(child.volume)
            child.volume = None

    def _reap(self, child: Child) -> None:
        """Asks the zygote, whose child it is; the host is told when its process id is free."""
        if not child.ending:
            child.ending = True
            self._nursery.reap(child)

    def _bury(self, child: Child, status: int) -> None:
        """A sandbox has ended: its init is the last process of its namespace to go."""
        word = os.read(child.status, 4)
        if len(word) == 4:
            status = struct.unpack("i", word)[0]
        for fd in (child.pidfd, child.status, child.view):
            if fd >= 0:
                os.close(fd)
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
        if not child.told:
            say({"event": "lost", "child": child.number})
        if child.request is None:
            if child.state == "parking":
                step, why, _ = child.failure or ("park", f"ended with wait status {status}", False)
                self._parking_failed(step, why)
        elif child.failure is not None:
            self._fail(child.request, *child.failure)
        else:
            say(
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
        """Listens to it no more, if it did."""
        if self._by_fd.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def _parking_failed(self, step: str, why: str) -> None:
        if self._queue:
            self._fail(self._queue.popleft(), step, why)
        elif not self._ending:  # else it was killed for that
            self._spares.disturb()  # the next would hardly do better
            print(f"No spare sandbox could be made: {step}: {why}", file=sys.stderr, flush=True)

    def _fail(self, order: dict[str, Any], step: str, why: str, own: bool = False) -> None:
        self._spares.calm()  # this start is over, too
        say({"event": "failed", "id": order["id"], "step": step, "why": why, "own": own})

    def _leave(self, status: int) -> NoReturn:
        """The host is gone or wants no more."""
        self._ending = True
        while self._nursery.asked() and self._hear_zygote():
            pass
        volumes, self._volumes = self._volumes, None
        if volumes is not None:
            volumes.close()
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
        self._nursery.close()
        deadline = time.monotonic() + 1
        while self._leaving and time.monotonic() < deadline:
            self._leaving = [group for group in self._leaving if not group.remove()]
            if self._leaving:
                time.sleep(0.002)  # the kernel tells nobody when it is done with a group
        self._cgroups.close()
        os._exit(status)
