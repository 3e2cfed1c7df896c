"""The zygote: the process that sandboxes are forked from. It imports what workers need once, never a plugin's code.

It hears nothing of plugins either: a fork copies the whole memory, and what one plugin's order left in it the next
plugin could read. So the launcher takes the orders and asks the zygote for nameless children, over a socket:

    spare 12        with two descriptors, the child's control socket and its status pipe
    hurry 12        the same for a start that waits already
    reap 345

    born 345        with a descriptor of the process
    failed clone: Resource temporarily unavailable
    gone 345 9      the wait status
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct

from berth_runtime import jail, linux, parking
from berth_runtime.cgroups import Cgroups
from berth_runtime.jail import Jail

MESSAGE = 4096


def start(common: Jail, cgroups: Cgroups) -> tuple[int, socket.socket]:
    """Forks the zygote: its process id and the socket to it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    launcher = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == launcher:
                _serve(common, cgroups, theirs)
        finally:
            os._exit(1)
    theirs.close()
    return pid, ours


def _serve(common: Jail, cgroups: Cgroups, orders: socket.socket) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    linux.set_title(common.title, b"berth-zygote")
    # Only this process keeps the writing end, so the other one tells a child whether it still lives.
    life, _ = os.pipe()
    while True:
        order, ancillary, _, _ = orders.recvmsg(MESSAGE, socket.CMSG_SPACE(8), socket.MSG_CMSG_CLOEXEC)
        if not order:
            os._exit(0)
        word, _, argument = order.decode().partition(" ")
        if word == "reap":
            pid, status = os.waitpid(int(argument), 0)
            orders.send(b"gone %d %d" % (pid, status))
            continue
        control, status_pipe = struct.unpack("2i", ancillary[0][2])
        try:
            pid = linux.fork_into_pid_namespace()
        except OSError as e:
            orders.send(b"failed " + str(e).encode())
        else:
            if pid == 0:
                number = int(argument)
                group = cgroups.group(f"w{number}")
                control_socket = socket.socket(fileno=control)
                owner, hurry = jail.owner(number), word == "hurry"
                parking.park(common, group, control_socket, status_pipe, life, owner, hurry=hurry)
            pidfd = os.pidfd_open(pid)  # its number can't be another's: only we can reap it
            with contextlib.suppress(BrokenPipeError):
                socket.send_fds(orders, [b"born %d" % pid], [pidfd])
            os.close(pidfd)
        os.close(control)
        os.close(status_pipe)
