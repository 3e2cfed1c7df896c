"""The two processes of a sandbox: the init, which only reaps, and the worker, which will hold the plugin.

`park` builds everything that needs no knowledge of the plugin; `enter` does the rest in one go when the plugin is
known. Both are one function each, because their order is what makes them safe:

- Namespaces come before the tree, the tree before the loss of rights that building it needs.
- The user namespace is last of the namespaces: the others then belong to the host's, and even a plugin that
  regained every capability in its own could change none of them. Nor can the child mount anything from then on: the
  launcher mounts the plugin's folders (see mounts.py), and a parked child has no way to the host's files.
- The worker connects after it changed its uid, because the host checks the uid of its peer. It shows its tokens at
  once, so that the host has its first message ready; that is read when all else is done, and no sooner.
- seccomp is last, since it forbids what the steps before it do.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from typing import NoReturn

from berth_runtime import fresh, init, landlock, linux, rehearsal, tree
from berth_runtime.cgroups import Group, Limits
from berth_runtime.seccomp import Filter
from berth_runtime.steps import StepError, step

FIRST_UID = 200_000
LAST_UID = 265_534
INIT_UID = 265_535  # the inits' own: no plugin can signal or look into its init
_MAX_FILE_BYTES = 1 << 30
_MESSAGE = 65536

# What a child says to the launcher when it waits. A failure is JSON: {"failed": step, "why": text}. What the
# launcher says is the order: token, name, uid and the folders that may be written to, a line each.
PARKED = b"parked"

ENVIRONMENT = {
    "PATH": os.path.dirname(os.path.realpath(sys.executable)) + ":/usr/bin:/bin",
    "PYTHONPATH": "/workspace:/site:" + tree.RUNTIME,
    "HOME": "/data",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
}


@dataclass(frozen=True)
class Jail:
    """What all sandboxes of a launcher have in common.

    root: where the tree is mounted. socket: path of the host's listening socket. namespaces: CLONE_ flags that
    this kernel has, without user and pid. landlock: its ABI, 0 for none. filter: None when this kernel has no
    seccomp. uids: whether each plugin can have a uid of its own. drop_groups: whether supplementary groups can be
    dropped. user_namespace: whether the worker gets one of its own. core_limit: RLIMIT_CORE. init: of init.prepare.
    signals: of linux.ignore_signals. title: of linux.argument_area.
    worker: module with run(socket) -> int. fresh: whether each becomes an interpreter of its own, see fresh.py.
    paths: folders of the tree that the worker's module is looked for in besides.
    """

    root: str
    runtime: str
    socket: str
    namespaces: int
    landlock: int
    filter: Filter | None
    uids: bool
    drop_groups: bool
    user_namespace: bool
    limits: Limits
    rlimit_processes: bool
    open_files: int
    tmp_mb: int
    core_limit: int
    init: int
    signals: list[tuple[int, int]]
    title: tuple[int, int]
    worker: str
    fresh: bool
    paths: list[str]


def park(jail: Jail, group: Group, control: socket.socket, status: int, life: int) -> NoReturn:
    """Runs in a child that is the first process of a new pid namespace. Never returns.

    control: a seqpacket socket to the launcher, for the worker. status: a pipe to it, for the init's last word, a
    32-bit wait status. life: a pipe that hangs up when the zygote is gone.
    """
    try:
        os.setsid()
        with step("open the host's socket"):
            host = os.open(jail.socket, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
        _close_all_but(0, 1, 2, control.fileno(), status, life, host, *([jail.init] if jail.init >= 0 else []))
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        os.dup2(null, 0)
        os.dup2(null, 1)
        os.close(null)
        with step("offer itself to the machine's memory killer before the host"):
            _write_score()
        with step("join the control groups"):
            group.create_and_join(jail.limits)
        with step("enter new namespaces"):
            linux.unshare(jail.namespaces)
        _build_view(jail)
        with step("set limits"):
            _set_rlimits(jail)
        if jail.drop_groups:
            with step("drop supplementary groups"):
                os.setgroups([])
        worker = os.fork()
    except StepError as e:
        fail(control, e)
    except BaseException as e:  # whatever it is, a half-made sandbox must not live
        fail(control, StepError("park", e))
    if worker == 0:
        try:
            os.close(status)
            linux.restore_signals(jail.signals)
            if jail.fresh:
                with step("start a fresh interpreter"):
                    fresh.become(jail, control.fileno(), host)
            with step("rehearse"):
                rehearsal.rehearse()
        except StepError as e:
            fail(control, e)
        except BaseException as e:
            fail(control, StepError("start", e))
        wait_and_work(jail, control, host)
    try:
        os.close(host)
        with step("give up the init's rights"):
            _give_up_rights(jail, life)
        os.close(life)
    except StepError as e:
        fail(control, e)
    except BaseException as e:
        fail(control, StepError("become the init", e))
    os.close(control.detach())
    init.become(jail.init, status)


def wait_and_work(jail: Jail, control: socket.socket, host: int) -> NoReturn:
    """The worker's part, once it is in its namespaces. host: a descriptor of the host's socket."""
    try:
        channel = _wait_and_enter(jail, control, host)
    except StepError as e:
        fail(control, e)
    except BaseException as e:
        fail(control, StepError("start", e))
    _work(jail, channel)


def fail(control: socket.socket, error: StepError) -> NoReturn:
    with contextlib.suppress(OSError):
        control.send(json.dumps({"failed": error.step, "why": error.cause}).encode())
    os._exit(1)


def _close_all_but(*kept: int) -> None:
    low = 0
    for fd in sorted(kept):
        if low < fd:  # an empty range means "everything" to some versions of Python
            os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def _write_score() -> None:
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    os.write(fd, b"500")
    os.close(fd)


def _build_view(jail: Jail) -> None:
    """Swaps the host's files for the tree. The tree came along when the mount namespace was copied."""
    with step("make mounts private"):
        linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    with step("mount /tmp"):
        inodes = jail.tmp_mb * 256
        linux.mount(
            "tmp",
            f"{jail.root}/tmp",
            "tmpfs",
            linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC,
            f"mode=1777,size={jail.tmp_mb}m,nr_inodes={inodes}",
        )
    with step("mount /proc"):
        _mount_proc(f"{jail.root}/proc")
    with step("change the root"):
        os.chdir(jail.root)
        linux.pivot_root(".", ".")
        linux.unmount(".")
        os.chdir("/")
    if jail.namespaces & linux.CLONE_NEWUTS:
        with step("set the host name"):
            socket.sethostname("plugin")
    if jail.namespaces & linux.CLONE_NEWNET:
        with step("bring up the loopback interface"):
            linux.loopback_up()


def _mount_proc(target: str) -> None:
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    try:
        # Processes only: no /proc/sys, no sysrq-trigger, no kernel settings (since Linux 5.8).
        linux.mount("proc", target, "proc", flags, "subset=pid,hidepid=2")
    except OSError:
        linux.mount("proc", target, "proc", flags, "hidepid=2")
        for name in ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi"):
            if os.path.exists(f"{target}/{name}"):
                linux.bind(f"{target}/{name}", f"{target}/{name}", flags | linux.MS_RDONLY)
        for name in ("kcore", "keys", "kallsyms", "timer_list", "latency_stats", "kmsg"):
            if os.path.exists(f"{target}/{name}"):
                linux.mount("/dev/null", f"{target}/{name}", None, linux.MS_BIND)


def _set_rlimits(jail: Jail) -> None:
    files = min(jail.open_files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    resource.setrlimit(resource.RLIMIT_CORE, (jail.core_limit, jail.core_limit))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_FILE_BYTES, _MAX_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
    resource.setrlimit(resource.RLIMIT_MSGQUEUE, (65536, 65536))


def _give_up_rights(jail: Jail, life: int) -> None:
    """Leaves the init with nothing but its pipe."""
    linux.set_title(jail.title, b"berth-init")
    os.dup2(0, 2)
    linux.pin_capabilities()
    if jail.uids:
        os.setresgid(INIT_UID, INIT_UID, INIT_UID)
        os.setresuid(INIT_UID, INIT_UID, INIT_UID)
    linux.drop_capabilities()
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    if jail.filter is not None:
        jail.filter.apply()
    # After the change of uid, which clears it. For a zygote that died before this line there is the pipe.
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if _hung_up(life):
        raise ValueError("the zygote is gone")


def _hung_up(pipe: int) -> bool:
    poll = select.poll()
    poll.register(pipe, 0)
    return bool(poll.poll(0))


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
    _close_all_but(0, 1, 2, channel.fileno())
    return channel


def _connect(host: int, greeting: bytes) -> socket.socket:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The name leads to the descriptor: no path has to be passable for the plugin's uid, and any length will do.
    s.connect(f"/proc/self/fd/{host}")
    s.sendall(greeting)
    return s
