"""A worker in a container: connects to the host, then waits until its plugin's folders have been put in.

The engine has done what the launcher and the jail do for a process: namespaces, a read-only tree, a uid without
capabilities, limits, seccomp. What is left to do here comes when the plugin is known, and before its code is
read: Landlock, because it judges a mount by the tree below it and the folders are mounted late, and our own
system call filter over the engine's. A container may wait a long time between the two, and holds nothing of
anybody's meanwhile.

The token comes in a file, which the host deletes when it was used: the environment and the command line of a
container are shown by the engine to whoever asks.
"""

from __future__ import annotations

import contextlib
import os
import platform
import select
import signal
import socket
import traceback
from typing import NoReturn

from berth_runtime import landlock, linux, seccomp, worker

_HOST = "/run/berth/host.sock"
_TOKEN = "/run/berth/token"
_POLICY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "seccomp.json")


def main() -> NoReturn:
    """The container's program."""
    status = 1
    try:
        serve = worker.begin()
        status = serve(_enter())
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1
    except BaseException:
        # Its last words: the output socket, once that is connected. The engine keeps no log of a container.
        with contextlib.suppress(OSError):
            os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
    finally:
        os._exit(status)


def _enter() -> socket.socket:
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)  # the container's init
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    os.umask(0o077)
    os.environ.pop("HOSTNAME", None)
    with open(_TOKEN, encoding="ascii") as f:
        token = bytes.fromhex(f.read())
    abi = landlock.version()
    filter_ = seccomp.Filter(seccomp.build(seccomp.read_policy(_POLICY), platform.machine()))
    channel, output = _connect(token + b"C\n"), _connect(token + b"O\n")
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, 0)
    for fd in (1, 2):
        os.dup2(output.fileno(), fd)
    os.close(null)
    output.close()
    filter_.apply()  # it lets Landlock's calls through
    # The host's first message is the sign that everything is in its place.
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    poll.poll()
    os.chdir("/data")
    if abi:
        writable = ["/data", "/tmp", "/dev/shm"]
        folders = os.listdir("/folders") if os.path.isdir("/folders") else []
        landlock.restrict(abi, [p for p in [*writable, *(f"/folders/{f}" for f in folders)] if os.path.isdir(p)])
    return channel


def _connect(greeting: bytes) -> socket.socket:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(_HOST)
    s.sendall(greeting)
    return s
