"""Asks a Docker engine what it is and what it can limit."""

from __future__ import annotations

import http.client
import json
import os
import socket
from typing import Any

from berth_runtime import landlock
from berth_runtime.host_facts import Finding

_SECONDS = 5.0
# What a container gets from the engine whatever the kernel is.
_ALWAYS = (
    *("mount_namespace", "pid_namespace", "network_none", "ipc_namespace", "uts_namespace", "private_root"),
    *("no_capabilities", "no_new_privileges", "empty_environment", "uid_per_plugin", "no_supplementary_groups"),
    *("cgroup_namespace", "open_files_limit", "no_core_dumps", "own_address_layout"),
)
# Limit -> the engine's word for it, and what helps.
_LIMITS = {
    "memory_limit": ("MemoryLimit", "Give the engine the memory controller: boot with cgroup_enable=memory."),
    "swap_limit": ("SwapLimit", "Boot with swapaccount=1, or switch swap off."),
    "cpu_limit": ("CpuCfsQuota", "Use a kernel with CONFIG_CFS_BANDWIDTH."),
    "process_limit": ("PidsLimit", "Use a kernel with CONFIG_CGROUP_PIDS."),
}


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(self._path)


def probe(path: str) -> tuple[dict[str, Any], list[Finding]]:
    """The level that the Docker sandbox would give, and findings. path: the engine's unix socket."""
    level: dict[str, Any] = {"name": "docker", "available": False, "why": "", "enforced": [], "missing": []}
    try:
        version, info = _ask(path, "/version"), _ask(path, "/info")
    except (OSError, ValueError, http.client.HTTPException) as e:
        remedy = "Install Docker and start it, or name its socket: DOCKER_HOST=unix:///path."
        why = f"no engine answers at {path}: {getattr(e, 'strerror', None) or e}"
        if isinstance(e, PermissionError):
            remedy = "Run Berth as root, or add its user to the group docker: usermod -aG docker USER."
        level["why"] = why
        level["missing"] = [["docker", why, remedy]]
        return level, [Finding("docker_engine", False, why, remedy)]
    level["available"] = True
    level["enforced"] = list(_ALWAYS)
    options = " ".join(info.get("SecurityOptions") or [])
    if "name=seccomp" in options:
        level["enforced"].append("seccomp")
    else:
        level["missing"].append(["seccomp", "the engine was built without seccomp", "Install another build of it."])
    for name, (word, remedy) in _LIMITS.items():
        if info.get(word):
            level["enforced"].append(name)
        else:
            level["missing"].append([name, f"the engine says that it has no {word}", remedy])
    if landlock.version() > 0:
        level["enforced"].append("landlock")  # the worker applies it itself
    else:
        level["missing"].append(["landlock", "the kernel has no Landlock", "Use Linux 5.13 or later with it."])
    if "name=userns" in options:
        level["enforced"].append("user_namespace")
    else:
        remedy = 'Set "userns-remap": "default" in /etc/docker/daemon.json.'
        level["missing"].append(["user_namespace", "uid 200000 in a container is uid 200000 outside", remedy])
    runtimes = sorted(info.get("Runtimes") or {})
    found = [
        Finding(
            "docker_engine",
            True,
            f"Docker {version.get('Version')}, API {version.get('ApiVersion')}, control groups of version "
            f"{info.get('CgroupVersion', '1')}, at {os.path.realpath(path)}",
        ),
        Finding(
            "gvisor",
            "runsc" in runtimes,
            f"the engine's runtimes are {', '.join(runtimes)}",
            "" if "runsc" in runtimes else "For a kernel of its own for each container install gVisor (runsc).",
        ),
    ]
    return level, found


def _ask(path: str, what: str) -> dict[str, Any]:
    connection = _Connection(path)
    try:
        connection.request("GET", what)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise ValueError(f"{what} answered {response.status}")
        answer: dict[str, Any] = json.loads(body)
        return answer
    finally:
        connection.close()
