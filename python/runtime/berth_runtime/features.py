"""Finds out what this host can enforce, by trying it in a child process."""

from __future__ import annotations

import json
import os
import resource
from dataclasses import dataclass, field
from typing import Any

from berth_runtime import landlock, linux, network, views
from berth_runtime.cgroups import Cgroups
from berth_runtime.seccomp import Filter

NAMESPACES = {
    "mount_namespace": linux.CLONE_NEWNS,
    "pid_namespace": linux.CLONE_NEWPID,
    "network_none": linux.CLONE_NEWNET,
    "ipc_namespace": linux.CLONE_NEWIPC,
    "uts_namespace": linux.CLONE_NEWUTS,
    "cgroup_namespace": linux.CLONE_NEWCGROUP,
    "user_namespace": linux.CLONE_NEWUSER,
}
_ALWAYS = (
    "private_root",
    "no_capabilities",
    "no_new_privileges",
    "empty_environment",
    "open_files_limit",
    "no_core_dumps",
)
_REMEDY = {
    "uid_per_plugin": "Run Berth as root: only then can each plugin have a user id of its own.",
    "no_supplementary_groups": "Run Berth as root, or as a user that is in no other group.",
    "memory_limit": "Run Berth as root, or as a systemd service with Delegate=yes.",
    "process_limit": "Run Berth as root, or as a systemd service with Delegate=yes.",
    "cpu_limit": "Run Berth as root, or as a systemd service with Delegate=yes.",
    "swap_limit": "Boot with swapaccount=1, or switch swap off.",
    "socket_memory_limit": "Use control groups of version 2, or a kernel with memory.kmem.tcp.limit_in_bytes.",
    "seccomp": "Use a kernel with CONFIG_SECCOMP_FILTER on x86_64 or aarch64.",
    "landlock": "Use Linux 5.13 or later with Landlock among its security modules (lsm=landlock,...).",
    network.PROTECTION: "Let Berth write to /proc/sys (in a container: Docker's --privileged).",
    views.PROTECTION: "Use Linux 5.11 or later with overlayfs, on a file system that it takes.",
    "data_size_limit": "Run Berth as root, with mkfs.ext4 (Debian: e2fsprogs) and loop devices.",
    "data_rate_limit": "Run Berth as root of the host, or as a systemd service with Delegate=yes.",
}
_NAMESPACE_REMEDY = "Use a kernel with this namespace, and in a container allow unshare(2) (Docker: --privileged)."


@dataclass
class Features:
    """namespaces: CLONE_ flags that work, user and pid left out. missing: protection -> (why, remedy)."""

    namespaces: int = 0
    user_namespace: bool = False
    landlock: int = 0
    seccomp: bool = False
    uids: bool = False
    drop_groups: bool = False
    rlimit_processes: bool = False
    enforced: list[str] = field(default_factory=list)
    missing: dict[str, tuple[str, str]] = field(default_factory=dict)

    def miss(self, protection: str, why: str) -> None:
        self.missing[protection] = (why, _REMEDY.get(protection, _NAMESPACE_REMEDY))


class Unavailable(Exception):
    """This host can't run sandboxes at all; the text says why and the remedy."""


def probe(filter_: Filter | None, filter_error: str, cgroups: Cgroups, uids: bool) -> Features:
    """Tries everything. uids: whether each plugin can have its own.

    Raises Unavailable when a worker could not even have a file tree and process table of its own.
    """
    tried = _try_in_child(filter_)
    result = Features(uids=uids)
    for name, flag in NAMESPACES.items():
        error = tried.get(name, "")
        if not error:
            result.enforced.append(name)
        elif name in ("mount_namespace", "pid_namespace"):
            raise Unavailable(f"{name.replace('_', ' ')}: {error}. {_NAMESPACE_REMEDY}")
        else:
            result.miss(name, error)
        if not error and flag not in (linux.CLONE_NEWUSER, linux.CLONE_NEWPID):
            result.namespaces |= flag
    result.user_namespace = "user_namespace" not in result.missing
    result.enforced += _ALWAYS

    result.landlock = landlock.version()
    result.seccomp = filter_ is not None and not tried.get("seccomp")
    result.drop_groups = not tried.get("groups")
    for name, works, why in (
        ("landlock", result.landlock > 0, "the kernel has no Landlock"),
        ("seccomp", result.seccomp, filter_error or tried.get("seccomp", "")),
        ("uid_per_plugin", uids, "Berth does not run as root, or in a user namespace without uids for plugins"),
        (
            "no_supplementary_groups",
            result.drop_groups or not set(os.getgroups()) - {os.getgid()},
            f"the groups of the user Berth runs as can't be dropped ({tried.get('groups', '')})",
        ),
        (views.PROTECTION, not tried["views"], tried["views"]),
        (network.PROTECTION, not tried["network"], tried["network"]),
    ):
        if works:
            result.enforced.append(name)
        else:
            result.miss(name, why)
    _limits(result, cgroups)
    return result


def _limits(result: Features, cgroups: Cgroups) -> None:
    missing = dict(cgroups.missing)
    if "process_limit" in missing and result.user_namespace and _kernel() >= (5, 14):
        # Since 5.14 RLIMIT_NPROC counts within the user namespace, so it can stand in.
        result.rlimit_processes = True
        del missing["process_limit"]
    for name in ("memory_limit", "process_limit", "cpu_limit"):
        if name in missing:
            result.miss(name, missing[name])
        else:
            result.enforced.append(name)
    if cgroups.swap_limited():
        result.enforced.append("swap_limit")
    elif "memory_limit" not in missing:
        result.miss("swap_limit", "the kernel does not count swap")
    if cgroups.sockets_limited():
        result.enforced.append("socket_memory_limit")
    elif "memory_limit" not in missing:
        result.miss("socket_memory_limit", "the kernel does not bound what sockets hold")


def core_limit() -> int:
    """The RLIMIT_CORE that yields no core dump. A handler named in core_pattern is run with any limit but 1
    (core(5)), and a host's handler must not be fed by plugins."""
    try:
        with open("/proc/sys/kernel/core_pattern", encoding="utf-8", errors="replace") as f:
            piped = f.read(1) == "|"
    except OSError:
        piped = True
    return 1 if piped and resource.getrlimit(resource.RLIMIT_CORE)[1] != 0 else 0


def _kernel() -> tuple[int, int]:
    major, _, rest = os.uname().release.partition(".")
    return int(major), int("".join(c for c in rest.partition(".")[0] if c.isdigit()) or "0")


def _try_in_child(filter_: Filter | None) -> dict[str, str]:
    """What fails, with the kernel's words."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, json.dumps(_try(filter_)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as f:
        text = f.read()
    os.waitpid(pid, 0)
    result: dict[str, Any] = json.loads(text)
    return result


def _try(filter_: Filter | None) -> dict[str, str]:
    failed: dict[str, str] = {}
    try:
        os.setgroups([])
    except OSError as e:
        failed["groups"] = str(e)
    failed["views"] = views.problem()
    failed["network"] = network.problem()
    for name, flag in NAMESPACES.items():
        try:
            linux.unshare(flag)
        except OSError as e:
            failed[name] = e.args[1]
    if filter_ is not None:
        try:
            linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
            filter_.apply()
        except OSError as e:
            failed["seccomp"] = e.args[1]
    return failed
