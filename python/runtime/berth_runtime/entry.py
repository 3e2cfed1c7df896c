"""The worker's way from a parked child to the plugin's sandbox. The order is what makes it safe:

- While it is parked, before it knows of any plugin: the user namespace is the last of the namespaces, so that the
  others belong to the host's, and even a plugin that regained every capability in its own could change none of
  them. Nor can the child mount anything from then on: the launcher mounts the plugin's folders (see mounts.py), and
  a parked child has no way to the host's files. Then the system call filter: all that comes later passes it.
- Then the worker connects to the host, which knows it by a token and by its uid, that of its user namespace's
  owner. So the host's first message can be there as soon as the plugin is known; it is read when all else is done.
- The plugin's uid and Landlock are last, since they are about the plugin and its folders.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import socket
import sys
import traceback
from typing import Callable, NoReturn

from berth_runtime import landlock, linux, tree
from berth_runtime.jail import Jail
from berth_runtime.steps import StepError, fail, step

_MESSAGE = 65536

# What a child says to the launcher when it waits. A failure is steps.fail's to say. The launcher tells it two
# things: its token, once the host waits for that; and when all is mounted who it is: its name, its uid and the
# folders that it may write to, a line each.
PARKED = b"parked"

Serve = Callable[[socket.socket], int]


def wait_and_work(jail: Jail, control: socket.socket, host: int, owner: int) -> NoReturn:
    """The worker's part, once it is in its namespaces. host: a descriptor of the host's socket. owner: of its user
    namespace, where it can have a uid of its own."""
    try:
        linux.close_all_but(0, 1, 2, control.fileno(), host)
        linux.set_title(jail.title, b"berth-parked")
        with step("make the worker ready"):
            serve: Serve = sys.modules[jail.worker].begin()
        if jail.user_namespace:
            with step("enter a user namespace"):
                linux.enter_user_namespace(owner if jail.uids else None)
        with step("pin capabilities"):
            linux.pin_capabilities()
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        if jail.filter is not None:
            with step("apply the system call filter"):
                jail.filter.apply()
        with step("connect to the host"):
            (token,) = _told(control)
            secret = bytes.fromhex(token.decode())
            channel, output = _connect(host, secret + b"C\n"), _connect(host, secret + b"O\n")
            os.close(host)
        rules: landlock.Ruleset | None = None
        if jail.landlock:
            with step("prepare Landlock"):
                rules = landlock.Ruleset(jail.landlock)
        control.send(PARKED)
        _enter(jail, control, output, rules)
    except StepError as e:
        fail(control, e)
    except BaseException as e:
        fail(control, StepError("start", e))
    _work(serve, channel)


def _told(control: socket.socket) -> list[bytes]:
    told = control.recv(_MESSAGE)
    if not told:
        os._exit(0)  # the launcher is gone, or the start has failed
    return told.split(b"\n")


def _enter(jail: Jail, control: socket.socket, output: socket.socket, rules: landlock.Ruleset | None) -> None:
    """Turns a parked child into the sandbox of one plugin. See the head of this file for the order."""
    name, outside, *writable = _told(control)
    uid = tree.PLUGIN_ID if jail.user_namespace else int(outside)
    with step("change to the plugin's uid"):
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    with step("drop capabilities"):
        linux.drop_capabilities()
        linux.prctl(linux.PR_SET_DUMPABLE, 0)
    if jail.rlimit_processes:
        with step("limit processes"):
            resource.setrlimit(resource.RLIMIT_NPROC, (jail.limits.pids, jail.limits.pids))
    linux.set_title(jail.title, b"berth-worker " + name)
    os.umask(0o077)
    os.chdir("/data")
    if rules is not None:
        with step("apply Landlock"):
            rules.restrict([*(path.decode() for path in writable), "/tmp"])
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    for used in (control, output):
        used.close()


def _connect(host: int, greeting: bytes) -> socket.socket:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The name leads to the descriptor: no path has to be passable for the plugin's uid, and any length will do.
    s.connect(f"/proc/self/fd/{host}")
    s.sendall(greeting)
    return s


def _work(serve: Serve, channel: socket.socket) -> NoReturn:
    """Hands over to the worker. What it fails with goes to the output socket, as any process's last words."""
    gc.enable()
    status = 1
    try:
        status = serve(channel)
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        with contextlib.suppress(Exception):
            if sys.__stderr__ is not None:
                sys.__stderr__.flush()
        os._exit(status)
