"""System calls that Python's standard library does not offer, by way of ctypes.

Every function raises OSError with the call's name as its message, never returns an error. Numbers are those of
the kernel's headers; the calls past 424 have one number on every architecture.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import resource
import signal
import socket
import struct
from typing import Any

MACHINE = platform.machine()
_NUMBERS = {
    "x86_64": {"clone": 56, "pivot_root": 155, "capget": 125, "capset": 126, "seccomp": 317, "sched_setattr": 314},
    "aarch64": {"clone": 220, "pivot_root": 41, "capget": 90, "capset": 91, "seccomp": 277, "sched_setattr": 274},
}
_COMMON = {
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "mount_setattr": 442,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_RELATIME = 1 << 21
MNT_DETACH = 2

# What statvfs reports (sys/statvfs.h) and the mount flag of the same meaning.
_KEPT_FLAGS = (
    (1, MS_RDONLY),
    (2, MS_NOSUID),
    (4, MS_NODEV),
    (8, MS_NOEXEC),
    (1024, MS_NOATIME),
    (2048, MS_NODIRATIME),
    (4096, MS_RELATIME),
)

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

_AT_EMPTY_PATH = 0x1000
_AT_FDCWD = -100
_OPEN_TREE_CLONE = 1
_OPEN_TREE_CLOEXEC = os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 4
_FSOPEN_CLOEXEC = 1
_FSCONFIG_SET_STRING = 1
_FSCONFIG_CMD_CREATE = 6
_FSMOUNT_CLOEXEC = 1
_MOUNT_ATTR_IDMAP = 0x00100000
_SCHED_FLAG_RESET_ON_FORK = 1
_CAPABILITY_VERSION = 0x20080522
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_SIOCSIFNETMASK = 0x891C
_IFF_UP = 1

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long
_signal = _libc.signal
_signal.restype = ctypes.c_void_p
_signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
_locked_syscall = ctypes.PyDLL(None, use_errno=True).syscall
_locked_syscall.restype = ctypes.c_long


def call_number(name: str) -> int:
    """The number of a call of this module on this machine; OSError(ENOSYS) on one it does not know."""
    if name in _COMMON:
        return _COMMON[name]
    try:
        return _NUMBERS[MACHINE][name]
    except KeyError:
        raise OSError(errno.ENOSYS, f"{name}: no system call number is known for {MACHINE}") from None


def _check(name: str, result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


def syscall(name: str, *arguments: Any) -> int:
    """Makes the call. Integers are passed as longs, bytes as pointers to them."""
    passed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _check(name, int(_syscall(ctypes.c_long(call_number(name)), *passed)))


def unshare(flags: int) -> None:
    """unshare(2). Leaves the calling process in new namespaces (its children, for CLONE_NEWPID)."""
    _check("unshare", _libc.unshare(ctypes.c_int(flags)))


def enter_user_namespace(owner: int | None) -> None:
    """Leaves the calling process, root, in a new user namespace that belongs to this uid; None: to its own.

    What the kernel counts for each user (pending signals, memory of message queues, locked memory, inotify), it
    counts for the owner of the user's namespace, too (user_namespaces(7)): of root's, a plugin could use up what
    the machine's services and every other plugin need.
    """
    if owner is not None:
        os.setresuid(-1, owner, -1)
        # That has emptied the effective set. The permitted one is still there, and needed where only the privileged
        # may make a user namespace.
        header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
        sets = bytearray(24)
        syscall("capget", header, (ctypes.c_char * 24).from_buffer(sets))
        low_permitted, high_permitted = sets[4:8], sets[16:20]
        sets[0:4], sets[12:16] = low_permitted, high_permitted
        syscall("capset", header, bytes(sets))
    unshare(CLONE_NEWUSER)


def fork_into_pid_namespace() -> int:
    """As os.fork, but the child is the first process of a new pid namespace.

    unshare and os.fork would do once: afterwards this process could make no second one (pid_namespaces(7)).
    """
    api = ctypes.pythonapi
    number = call_number("clone")
    api.PyOS_BeforeFork()
    # The interpreter's lock is held across the call (PyDLL), as os.fork does it.
    pid = int(
        _locked_syscall(
            ctypes.c_long(number), ctypes.c_long(CLONE_NEWPID | signal.SIGCHLD), *[ctypes.c_long(0)] * 4
        )
    )
    if pid == 0:
        api.PyOS_AfterFork_Child()
        return 0
    code = ctypes.get_errno()
    api.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(code, f"clone: {os.strerror(code)}")
    return pid


def mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """mount(2)."""
    _check(
        "mount",
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() if kind is not None else None,
            ctypes.c_ulong(flags),
            data.encode() if data else None,
        ),
    )


def unmount(target: str) -> None:
    """umount2(2), detaching: what is open stays open, the tree is gone."""
    _check("umount2", _libc.umount2(os.fsencode(target), MNT_DETACH))


def bind(source: str, target: str, flags: int) -> None:
    """Shows `source` at `target` with these restrictions added to the ones it has."""
    mount(source, target, None, MS_BIND)
    restrict(target, flags)


def restrict(target: str, flags: int) -> None:
    """Adds mount flags to one mount. The present ones are kept: inside a user namespace they are locked, and a
    remount that leaves one out is refused (mount_namespaces(7))."""
    present = os.statvfs(target).f_flag
    for seen, flag in _KEPT_FLAGS:
        if present & seen:
            flags |= flag
    mount("none", target, None, MS_REMOUNT | MS_BIND | flags)


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2)."""
    syscall("pivot_root", os.fsencode(new), os.fsencode(old))


def clone_tree(fd: int) -> int:
    """A detached copy of the mount that `fd` (a folder, may be O_PATH) is in, with that folder as its root."""
    return syscall("open_tree", fd, b"", _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_EMPTY_PATH)


def overlay(upper: str, lower: str, flags: int) -> int:
    """The folder `upper` over the folder `lower`, neither of them writable, as a mount that is nowhere yet
    (fsopen(2), since Linux 5.2; in a user namespace since 5.11). flags: of MS_RDONLY, MS_NOSUID, MS_NODEV and
    MS_NOEXEC."""
    context = syscall("fsopen", b"overlay", _FSOPEN_CLOEXEC)
    try:
        for key, value in ((b"source", b"view"), (b"lowerdir", os.fsencode(f"{upper}:{lower}"))):
            syscall("fsconfig", context, _FSCONFIG_SET_STRING, key, value, 0)
        syscall("fsconfig", context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return syscall("fsmount", context, _FSMOUNT_CLOEXEC, flags)
    finally:
        os.close(context)


def restrict_tree(fd: int, flags: int) -> bool:
    """As restrict, for what clone_tree or overlay gave. False where the kernel can't, before Linux 5.12
    (mount_setattr(2))."""
    attributes = struct.pack("QQQQ", flags, 0, 0, 0)  # these four flags have one number in both interfaces
    try:
        syscall("mount_setattr", fd, b"", _AT_EMPTY_PATH, attributes, len(attributes))
    except OSError as e:
        if e.errno != errno.ENOSYS:
            raise
        return False
    return True


def attach_tree(fd: int, target: str) -> None:
    """Mounts what clone_tree or overlay gave."""
    syscall("move_mount", fd, b"", _AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH)


def setns(fd: int, kind: int) -> None:
    """setns(2): enters a namespace of another process."""
    _check("setns", _libc.setns(ctypes.c_int(fd), ctypes.c_int(kind)))


def id_map(uid: int, gid: int, inside: int, by_root: bool = False) -> int:
    """A user namespace, as a descriptor, in which files of `uid` and `gid` are those of `inside`, both ids.

    by_root: whether root makes the files and then gives them away, as gVisor does: it needs an id of its own there,
    which is root's, or that of `inside` where root's is taken.
    """
    ready, told = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(told[1])  # so that its end is told
            unshare(CLONE_NEWUSER)
            os.write(ready[1], b"y")
            os.read(told[0], 1)
        finally:
            os._exit(0)
    try:
        os.close(ready[1])
        if os.read(ready[0], 1) != b"y":
            raise OSError(errno.EPERM, "no user namespace can be made")
        for name, outside in (("uid_map", uid), ("gid_map", gid)):
            with open(f"/proc/{child}/{name}", "wb", 0) as f:
                lines = b"%d %d 1\n" % (outside, inside)
                if by_root:
                    lines += b"%d 0 1\n" % (0 if outside else inside)
                f.write(lines)
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        for fd in (ready[0], *told):
            os.close(fd)
        os.waitpid(child, 0)


def apply_id_map(tree: int, namespace: int) -> None:
    """Shows the files of a detached mount with the ids that id_map exchanges. See mount_setattr(2)."""
    attributes = struct.pack("QQQQ", _MOUNT_ATTR_IDMAP, 0, 0, namespace)
    syscall("mount_setattr", tree, b"", _AT_EMPTY_PATH, attributes, len(attributes))


def set_slice(thread: int, nanos: int, inherited: bool) -> None:
    """How long a thread of the ordinary policy runs at a time where others wait, 0 for the kernel's own idea
    (sched_setattr(2); without effect before Linux 6.12). inherited: whether what the thread starts has it, too,
    instead of the kernel's own."""
    nice = os.getpriority(os.PRIO_PROCESS, thread)
    flags = 0 if inherited else _SCHED_FLAG_RESET_ON_FORK
    attributes = struct.pack("IIQiIQQQ", 48, 0, flags, nice, 0, nanos, 0, 0)
    syscall("sched_setattr", thread, attributes, 0)


def prctl(option: int, *arguments: int) -> int:
    """prctl(2)."""
    padded = [ctypes.c_ulong(a) for a in arguments] + [ctypes.c_ulong(0)] * (4 - len(arguments))
    return _check("prctl", _libc.prctl(ctypes.c_int(option), *padded))


def pin_capabilities() -> None:
    """Makes it impossible to gain capabilities, by exec or by change of uid; to be called while still privileged.
    The present ones stay until drop_capabilities, as changing the uid needs them."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as e:
            if e.errno == errno.EINVAL and capability > 37:  # past the kernel's last one
                break
            raise
    # NOROOT, NO_SETUID_FIXUP, KEEP_CAPS off, NO_CAP_AMBIENT_RAISE, each with its lock (capabilities(7)).
    prctl(PR_SET_SECUREBITS, 0b11101111)


def ignore_signals(numbers: list[int]) -> list[tuple[int, int]]:
    """Ignores these signals, for restore_signals in a child. Done below Python, whose own tables, which a child
    inherits, go on saying what will be true again there."""
    return [(number, int(_signal(number, 1) or 0)) for number in numbers]


def restore_signals(saved: list[tuple[int, int]]) -> None:
    """Undoes ignore_signals."""
    for number, handler in saved:
        _signal(number, handler)


def argument_area() -> tuple[int, int]:
    """Where the kernel put this process's arguments: address, length (arg_start and arg_end of proc(5), stat)."""
    with open("/proc/self/stat", "rb") as f:
        fields = f.read().rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    return start, max(0, end - start)


def close_all_but(*kept: int) -> None:
    low = 0
    for fd in sorted(kept):
        if low < fd:  # an empty range means "everything" to some versions of Python
            os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def set_title(area: tuple[int, int], title: bytes) -> None:
    """What ps shows; it also takes the host's paths out of /proc/self/cmdline. area: of argument_area, good in
    forked children too."""
    name = ctypes.create_string_buffer(title[:15])
    prctl(PR_SET_NAME, ctypes.addressof(name))
    start, room = area
    if room > 0:
        ctypes.memmove(start, title[: room - 1].ljust(room, b"\0"), room)


def drop_capabilities() -> None:
    """Empties the calling thread's effective, permitted and inheritable sets."""
    syscall("capset", struct.pack("Ii", _CAPABILITY_VERSION, 0), bytes(24))


def loopback_up() -> None:
    """Brings up `lo` in the calling process's network namespace, with 127.0.0.1 and none of the other 16 million
    addresses (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(s, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(s, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
        mask = struct.pack("16sHH4s8x", b"lo", socket.AF_INET, 0, b"\xff" * 4)
        fcntl.ioctl(s, _SIOCSIFNETMASK, mask)
