"""The yardsticks that run beside Berth."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from . import proc
from .berth import ROOT, free_port
from .load import RawClient

PEERS = ROOT / "bench" / "peers"
ECHO = ROOT / "bench" / "plugins" / "echo"
JAVA = Path(os.environ["JAVA_HOME"]) / "bin" / "java" if "JAVA_HOME" in os.environ else Path("java")
# What a Python costs that does nothing: no site, no user folder, no environment.
NOTHING = [sys.executable, "-I", "-S", "-c", "pass"]


class FastApi:
    """FastAPI on uvicorn with uvloop and httptools, one process, the plugin in it."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [
                *(ROOT / "bench" / ".venv" / "bin" / "python", "-m", "uvicorn", "fastapi_app:app"),
                *("--port", str(self.port), "--loop", "uvloop", "--http", "httptools"),
                *("--no-access-log", "--log-level", "error"),
            ],
            cwd=PEERS,
            env={**os.environ, "PLUGIN": str(ECHO)},
        )
        while True:
            try:
                RawClient(self.port).close()
                return
            except OSError:
                if self._process.poll() is not None:
                    raise RuntimeError("the FastAPI peer did not start") from None
                time.sleep(0.05)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/plugins/plugin_echo/execute"

    def pids(self) -> list[int]:
        return proc.family(self._process.pid)

    def close(self) -> None:
        proc.end(self._process)


class Turn(NamedTuple):
    """One measurement of the ping-pong. ``p50`` in seconds, 0 unless one was in flight."""

    calls: int
    seconds: float
    p50: float


class PingPong:
    """The worker's own loop behind a bare socket: what a call costs beyond HTTP, at the least."""

    def __init__(self, context: str) -> None:
        self._process = subprocess.Popen(
            [
                *(JAVA, "-XX:+UseSerialGC", PEERS / "PingPong.java", sys.executable, PEERS / "worker.py"),
                *(ROOT / "python" / "runtime", ECHO, context),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.worker_pid = int(self._line())

    def pids(self) -> list[int]:
        return [self._process.pid, self.worker_pid]

    def run(self, in_flight: int, seconds: float) -> Turn:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{in_flight} {seconds}\n".encode())
        self._process.stdin.flush()
        calls, taken, p50 = self._line().split()
        return Turn(int(calls), float(taken), float(p50) / 1e6)

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        if not line:
            raise RuntimeError("the ping-pong ended")
        return line

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()  # it ends at the end of its input
            self._process.stdin = None
        proc.end(self._process)


def standalone_pss_mib(count: int) -> float:
    """Memory of an independent Python with the plugin, ``count`` of them running at once."""
    processes = []
    try:
        for _ in range(count):
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", PEERS / "standalone.py", ECHO],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            processes.append(process)
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError("an independent Python did not start")
        return proc.pss_mib([process.pid for process in processes]) / count
    finally:
        for process in processes:
            proc.end(process)
