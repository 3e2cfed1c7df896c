"""What /proc says of processes (proc(5))."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all that descend from it now."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def titled(pids: list[int], title: str) -> list[int]:
    """Those of the processes whose command line begins so."""
    found = []
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(title.encode()):
                found.append(pid)
        except OSError:
            continue  # it has ended meanwhile
    return found


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of processes that run on between two readings."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total * TICK_SECONDS


def pss_mib(pids: list[int]) -> float:
    """Memory with each shared page divided by its sharers."""
    kib = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        kib += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return kib / 1024


def pin(pids: list[int], cpus: set[int]) -> None:
    """Keeps every thread of the processes on these CPUs."""
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*"):
            try:
                os.sched_setaffinity(int(task.name), cpus)
            except ProcessLookupError:
                continue


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that we started, gently first."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def spawn_seconds(argv: list[str], cwd: str | None = None) -> float:
    """How long a program takes from being started to having ended, started the cheapest way there is."""
    start = time.perf_counter()
    if cwd is None:
        pid = os.posix_spawn(argv[0], argv, os.environ)
    else:
        pid = os.posix_spawn("/usr/bin/env", ["env", "-C", cwd, *argv], os.environ)
    _, status = os.waitpid(pid, 0)
    taken = time.perf_counter() - start
    if status:
        raise RuntimeError(f"{argv} ended with status {status}")
    return taken
