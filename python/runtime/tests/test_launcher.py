"""The launcher as the host starts it, with real sandboxes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, List

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="without root the launcher enters a namespace of its own")

RUNTIME = Path(__file__).resolve().parents[1]
POLICY = RUNTIME.parents[1] / "protocol" / "seccomp.json"


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that keeps a spare sandbox; it has just said that it is ready."""
    runtime = tmp_path / "runtime"
    shutil.copytree(RUNTIME / "berth_runtime", runtime / "berth_runtime")
    shutil.copy(POLICY, runtime / "berth_runtime")
    for name in ("run/root", "run/volumes"):
        os.makedirs(tmp_path / name)
    host = socket.socket(socket.AF_UNIX)  # where sandboxes are to connect
    host.bind(str(tmp_path / "run/host.sock"))
    host.listen()
    settings = {
        "host": os.getpid(),
        "installation": "tests",
        "root": str(tmp_path / "run/root"),
        "runtime": str(runtime),
        "socket": str(tmp_path / "run/host.sock"),
        "parked": 1,
        "max_pids": 32,
        "max_cpus": 1.0,
        "open_files": 1024,
        "tmp_mb": 16,
        "worker": "berth_runtime.worker",
        "paths": [],
        "volumes": str(tmp_path / "run/volumes"),
    }
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(runtime / "berth_runtime")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(settings).encode() + b"\n")
    process.stdin.flush()
    ready = json.loads(process.stdout.readline())
    assert ready["event"] == "ready", ready
    yield process
    host.close()
    if process.poll() is None:
        process.communicate(timeout=30)  # the end of its input; killed, it would leave its control groups


def _children(pid: int) -> List[int]:
    with contextlib.suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _first_spare(launcher: subprocess.Popen[bytes]) -> int:
    """The process id of the zygote's first child, as soon as there is one."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for zygote in _children(launcher.pid):
            for spare in _children(zygote):
                return spare
    raise AssertionError("no spare sandbox was begun")


def test_a_spare_that_is_being_made_when_the_host_goes_is_no_failure(launcher: subprocess.Popen[bytes]) -> None:
    spare = _first_spare(launcher)
    os.kill(spare, signal.SIGSTOP)  # so it will not be done before it is killed

    _, said = launcher.communicate(timeout=30)

    assert said == b""
    assert launcher.returncode == 0
    assert not Path(f"/proc/{spare}").exists()


def test_a_spare_that_can_not_be_made_is_said(launcher: subprocess.Popen[bytes]) -> None:
    os.kill(_first_spare(launcher), signal.SIGKILL)

    assert launcher.stderr is not None
    said = launcher.stderr.readline()

    assert said == b"No spare sandbox could be made: park: ended with wait status 9\n"
