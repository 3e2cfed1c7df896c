"""The launcher's end of its conversation with the zygote; zygote.py says what is said."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections import deque
from dataclasses import dataclass

from berth_runtime import jail, zygote
from berth_runtime.cgroups import Cgroups, Group
from berth_runtime.child import Child
from berth_runtime.jail import Jail

_TOKEN_BYTES = 32


@dataclass(frozen=True)
class Coming:
    """A child that was asked for. uid: whose the host will see it connect as; None for the launcher's own."""

    number: int
    uid: int | None
    token: str


@dataclass(frozen=True)
class Unborn:
    """No child came of it."""

    number: int
    why: str


@dataclass(frozen=True)
class Gone:
    """Nothing is left of a child; its process id is free."""

    pid: int
    status: int


class Nursery:
    """Starts the zygote, and asks it for children and for their ends."""

    def __init__(self, common: Jail, cgroups: Cgroups) -> None:
        self._own_users = common.uids and common.user_namespace
        self._cgroups = cgroups
        self._count = 0
        self._asked: deque[tuple[int, socket.socket, int, Group]] = deque()
        self._untold: dict[int, tuple[socket.socket, str]] = {}
        self._pid, self._zygote = zygote.start(common, cgroups)

    def fileno(self) -> int:
        """To be waited for; then there is something to hear()."""
        return self._zygote.fileno()

    def asked(self) -> int:
        """How many children were asked for and not heard of yet."""
        return len(self._asked)

    def fork(self, word: str) -> Coming:
        """Asks for a child, which has to be welcomed to get on. word: of zygote.py, spare or hurry."""
        self._count += 1
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        status, status_write = os.pipe()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            socket.send_fds(self._zygote, [f"{word} {self._count}".encode()], [theirs.fileno(), status_write])
        finally:
            theirs.close()
            os.close(status_write)
        self._asked.append((self._count, ours, status, self._cgroups.group(f"w{self._count}")))
        token = os.urandom(_TOKEN_BYTES).hex()
        self._untold[self._count] = ours, token
        return Coming(self._count, jail.owner(self._count) if self._own_users else None, token)

    def welcome(self, number: int) -> None:
        """The host waits for that child: it is told its token."""
        control, token = self._untold.pop(number, (None, ""))
        if control is not None:
            with contextlib.suppress(OSError):  # it has ended
                control.send(token.encode())

    def reap(self, child: Child) -> None:
        """A child has ended; Gone follows."""
        try:
            self._zygote.send(b"reap %d" % child.pid)
        except BrokenPipeError:
            pass  # without a zygote the system reaps, and the launcher is about to leave

    def hear(self) -> Child | Unborn | Gone | None:
        """One answer; None when there will be no more. Blocks."""
        message, ancillary, _, _ = self._zygote.recvmsg(
            zygote.MESSAGE, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC
        )
        word, _, rest = message.decode().partition(" ")
        if word == "born":
            number, control, status, group = self._asked.popleft()
            return Child(number, int(rest), struct.unpack("i", ancillary[0][2])[0], control, status, group)
        if word == "failed":
            number, control, status, _ = self._asked.popleft()
            self._untold.pop(number, None)
            control.close()
            os.close(status)
            return Unborn(number, rest)
        if word == "gone":
            pid, wait_status = rest.split()
            return Gone(int(pid), int(wait_status))
        return None

    def close(self) -> None:
        """Orders the zygote to end, and waits until it has."""
        self._zygote.close()
        os.waitpid(self._pid, 0)
