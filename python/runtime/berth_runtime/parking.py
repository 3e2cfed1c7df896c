"""Makes a sandbox that knows nothing of its plugin yet: an init, which only reaps, and a worker, which waits.

`park` is one function, because its order is what makes it safe: namespaces come before the tree, the tree before
the loss of rights that building it needs. What the worker does from there on is in entry.py.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
from typing import NoReturn

from berth_runtime import entry, fresh, init, linux, network, rehearsal
from berth_runtime.cgroups import Group
from berth_runtime.jail import INIT_UID, Jail
from berth_runtime.steps import StepError, fail, step

_MAX_FILE_BYTES = 1 << 30
_MAX_SIGNALS = 1024  # pending, and timers that would send one


def park(
    jail: Jail, group: Group, control: socket.socket, status: int, life: int, owner: int, *, hurry: bool
) -> NoReturn:
    """Runs in a child that is the first process of a new pid namespace. Never returns.

    control: a seqpacket socket to the launcher, for the worker. status: a pipe to it, for the init's last word, a
    32-bit wait status. life: a pipe that hangs up when the zygote is gone. owner: a uid that nobody runs as and no
    other sandbox of this launcher has, for its user namespace. hurry: whether a start waits for it, which a
    rehearsal would hold up by more than it spares.
    """
    try:
        os.setsid()
        with step("open the host's socket"):
            host = os.open(jail.socket, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
        linux.close_all_but(0, 1, 2, control.fileno(), status, life, host, *([jail.init] if jail.init >= 0 else []))
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
        if jail.namespaces & linux.CLONE_NEWNET:
            network.bound()  # while /proc is the host's; features.py has found out whether it can be done
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
                    fresh.become(jail, control.fileno(), host, owner)
            if not hurry:
                with step("rehearse"):
                    rehearsal.rehearse()
        except StepError as e:
            fail(control, e)
        except BaseException as e:
            fail(control, StepError("start", e))
        entry.wait_and_work(jail, control, host, owner)
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
    resource.setrlimit(resource.RLIMIT_SIGPENDING, (_MAX_SIGNALS, _MAX_SIGNALS))


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
