"""Finds out what this host gives plugins, by doing it: `python3 -I -S <this file> SCRATCH DATA`.

The same code that prepares sandboxes is run in children that end right after, and each limit is really
exceeded. The answer is one JSON object on standard output, as the host's Doctor reads it. SCRATCH is an empty
folder of ours; whatever is made there, or anywhere, is gone at the end. What a Docker engine gives, the host's
Doctor finds out itself.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Callable

if __name__ == "__main__":
    sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]

from berth_runtime import host_facts, io_limits, linux, preparation, quota_probe
from berth_runtime.cgroups import Cgroups, Limits
from berth_runtime.host_facts import Finding

_NOBODY = 65534
_MEMORY = 32 << 20
_PIDS = 8
_CPUS = 0.1
_SPIN_SECONDS = 0.4
_POLICY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "seccomp.json")


def main(scratch: str, data: str) -> None:
    root = os.geteuid() == 0
    findings = [f.row() for f in host_facts.look(data)]
    levels = [_in_child(lambda: _level("process", False))]
    if root:
        levels.append(_in_child(lambda: _level("process_without_root", True)))
    else:
        levels[0]["name"] = "process_without_root"
    for level in levels:
        findings += level.pop("findings", [])
    for finding in _in_child(lambda: {"found": [f.row() for f in quota_probe.probe(scratch)]})["found"]:
        findings.append(finding)
        for level in levels:
            _add(level, finding)
    for level in levels:
        del level["disk_limits"]
    facts = {
        "kernel": os.uname().release,
        "machine": os.uname().machine,
        "user": "root" if root else f"uid {os.geteuid()}",
        "cpus": str(os.cpu_count()),
    }
    print(json.dumps({"facts": facts, "levels": levels, "findings": findings}))


def _add(level: dict[str, Any], found: dict[str, Any]) -> None:
    """/data is kept in file systems of a given size where root can mount them."""
    if not level["available"]:
        return
    without_root = level["name"] == "process_without_root"
    if found["ok"] and not without_root and (level["disk_limits"] or found["name"] != "data_rate_limit"):
        level["enforced"].append(found["name"])
    else:
        why = found["what"]
        if found["ok"]:
            why = "only root can mount a file system of a given size" if without_root else io_limits.MISSING
        level["missing"].append([found["name"], why, "Run Berth as root, with mkfs.ext4 and loop devices."])


def _in_child(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` gives, which may change its process for good."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            with os.fdopen(write, "wb") as f:
                f.write(json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as f:
        text = f.read()
    os.waitpid(pid, 0)
    answer: dict[str, Any] = json.loads(text)
    return answer


def _level(name: str, give_up_root: bool) -> dict[str, Any]:
    """What the process sandbox would enforce, for this user or for one without rights."""
    level: dict[str, Any] = {"name": name, "available": False, "why": "", "enforced": [], "missing": []}
    level["disk_limits"] = False
    try:
        policy = preparation.read_filter(_POLICY)  # while it can be read
        if give_up_root:
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
            linux.prctl(linux.PR_SET_DUMPABLE, 1)  # else the files in /proc that map ids belong to root
        ground = preparation.examine(policy, f"doctor{os.getppid()}", os.getpid())
    except Exception as e:
        level["why"] = str(e)
        return level
    found = ground.found
    findings = [] if give_up_root else [f.row() for f in _exceed(ground.cgroups)]
    for finding in findings:
        if not finding["ok"] and finding["name"] in found.enforced:
            found.enforced.remove(finding["name"])
            found.miss(finding["name"], finding["what"])
    level["disk_limits"] = preparation.disk_limits(ground.cgroups) is not None
    ground.cgroups.close()
    # No protection that the sandbox would be weak without, so it does not say it is missing; here it may be asked.
    found.missing["own_address_layout"] = ("workers are forks of one Python", "berth serve --process-mode exec")
    level.update(
        available=True,
        enforced=found.enforced,
        missing=[[protection, *text] for protection, text in found.missing.items()],
        findings=findings,
    )
    return level


def _exceed(cgroups: Cgroups) -> list[Finding]:
    """Sets a limit of each kind and goes past it."""
    version = "version 2" if cgroups.unified else "version 1"
    findings = []
    for controller, name, attempt in (
        ("memory", "memory_limit", _too_much_memory),
        ("pids", "process_limit", _too_many_processes),
        ("cpu", "cpu_limit", _too_much_time),
    ):
        if controller not in cgroups.bases:
            findings.append(Finding(name, False, f"no control group for it: {cgroups.missing[name]}"))
            continue
        held, what = _try_limit(cgroups, controller, attempt)
        findings.append(Finding(name, held, f"{what} (control groups, {version})"))
    return findings


def _try_limit(cgroups: Cgroups, name: str, attempt: Callable[[], tuple[bool, str]]) -> tuple[bool, str]:
    group = cgroups.group(name)

    def inside() -> dict[str, Any]:
        group.create_and_join(Limits(_PIDS, _CPUS if name == "cpu" else 1.0))
        group.bound(_MEMORY)
        held, what = attempt()
        return {"held": held, "what": what}

    try:
        answer = _in_child(inside)
    except ValueError:  # it did not live to answer
        killed = group.oom_kills() > 0
        answer = {"held": killed, "what": f"a process past {_MEMORY >> 20} MiB was killed"}
        if not killed:
            answer["what"] = "the process in the control group ended without an answer"
    deadline = time.monotonic() + 1
    while not group.remove() and time.monotonic() < deadline:
        time.sleep(0.01)  # the kernel tells nobody when it is done with a group
    return bool(answer["held"]), str(answer["what"])


def _too_much_memory() -> tuple[bool, str]:
    bytearray(2 * _MEMORY)[::4096] = b"x" * (2 * _MEMORY // 4096)
    return False, f"a process got twice its {_MEMORY >> 20} MiB"


def _too_many_processes() -> tuple[bool, str]:
    born: list[int] = []
    held = False
    try:
        while len(born) < 4 * _PIDS:
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            born.append(pid)
    except BlockingIOError:
        held = True
    for pid in born:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return (
        held,
        f"with {_PIDS + 1} allowed the kernel refused process {len(born) + 2}" if held else "no limit was met",
    )


def _too_much_time() -> tuple[bool, str]:
    end = time.monotonic() + _SPIN_SECONDS
    before = time.process_time()
    while time.monotonic() < end:
        pass
    share = (time.process_time() - before) / _SPIN_SECONDS
    return share < 0.6, f"a busy process got {share:.0%} of a CPU with a limit of {_CPUS:.0%}"


if __name__ == "__main__":
    main(*sys.argv[1:3])
