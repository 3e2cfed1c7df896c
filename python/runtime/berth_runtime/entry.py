"""The worker's way from a parked child to the plugin's sandbox.

`_enter` does in one go what has to wait for the plugin; its order is what makes it safe:

- The user namespace is last of the namespaces, and entered while parked: the others then belong to the host's,
  and even a plugin that regained every capability in its own could change none of them. Nor can the child mount
  anything from then on: the launcher mounts the plugin's folders (see mounts.py), and a parked child has no way
  to the host's files.
- The worker connects after it changed its uid, because the host checks the uid of its peer. It shows its tokens at
  once, so that the host has its first message ready; that is read when all else is done, and no sooner.
- seccomp is last, since it forbids what the steps before it do.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import socket
import sys
import traceback
from typing import NoReturn

from berth_runtime import landlock, linux, tree
from berth_runtime.jail import Jail
from berth_runtime.steps import StepError, fail, step

_MESSAGE = 65536

# What a child says to the launcher when it waits. A failure is steps.fail's to say. What the launcher says is the
# order: token, name, uid and the folders that may be written to, a line each.
PARKED = b"parked"


def wait_and_work(jail: Jail, control: socket.socket, host: int) -> NoReturn:
    """The worker's part, once it is in its namespaces. host: a descriptor of the host's socket."""
    try:
        channel = _wait_and_enter(jail, control, host)
    except StepError as e:
        fail(control, e)
    except BaseException as e:
        fail(control, StepError("start", e))
    _work(jail, channel)


def _wait_and_enter(jail: Jail, control: socket.socket, host: int) -> socket.socket:
    if jail.user_namespace:
        with step("enter a user namespace"):
            linux.unshare(linux.CLONE_NEWUSER)
    with step("pin capabilities"):
        linux.pin_capabilities()
    control.send(PARKED)
    order = control.recv(_MESSAGE)
    if not order:
        os._exit(0)  # the launcher is gone
    return _enter(jail, order, control, host)


def _enter(jail: Jail, order: bytes, control: socket.socket, host: int) -> socket.socket:
    """Turns a parked child into the sandbox of one plugin, whose folders are mounted. See the head of this file for
    the order."""
    token, name, outside, *writable = order.split(b"\n")
    uid = tree.PLUGIN_ID if jail.user_namespace else int(outside)
    with step("change to the plugin's uid"):
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    with step("connect to the host"):
        secret = bytes.fromhex(token.decode())
        channel, output = _connect(host, secret + b"C\n"), _connect(host, secret + b"O\n")
    with step("drop capabilities"):
        linux.drop_capabilities()
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        linux.prctl(linux.PR_SET_DUMPABLE, 0)
    if jail.rlimit_processes:
        with step("limit processes"):
            resource.setrlimit(resource.RLIMIT_NPROC, (jail.limits.pids, jail.limits.pids))
    linux.set_title(jail.title, b"berth-worker " + name)
    os.chdir("/data")
    os.umask(0o077)
    if jail.landlock:
        with step("apply Landlock"):
            landlock.restrict(jail.landlock, [*(path.decode() for path in writable), "/tmp"])
    if jail.filter is not None:
        with step("apply the system call filter"):
            jail.filter.apply()
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    control.detach()
    output.detach()
    linux.close_all_but(0, 1, 2, channel.fileno())
    return channel


def _connect(host: int, greeting: bytes) -> socket.socket:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The name leads to the descriptor: no path has to be passable for the plugin's uid, and any length will do.
    s.connect(f"/proc/self/fd/{host}")
    s.sendall(greeting)
    return s


def _work(jail: Jail, channel: socket.socket) -> NoReturn:
    """Hands over to the worker. What it fails with goes to the output socket, as any process's last words."""
    gc.enable()
    status = 1
    try:
        status = int(sys.modules[jail.worker].run(channel))
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        with contextlib.suppress(Exception):
            if sys.__stderr__ is not None:
                sys.__stderr__.flush()
        os._exit(status)
