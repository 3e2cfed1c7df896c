"""The launcher as the host starts it, with real sandboxes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="without root the launcher enters a namespace of its own")

RUNTIME = Path(__file__).resolve().parents[1]
POLICY = RUNTIME.parents[1] / "protocol" / "seccomp.json"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[socket.socket]:
    """Where sandboxes are to connect."""
    os.makedirs(tmp_path / "run")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "run/host.sock"))
        os.chmod(listening.getsockname(), 0o666)
        listening.listen()
        listening.settimeout(10)
        yield listening


@pytest.fixture
def launcher(tmp_path: Path, host: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    """One that keeps a spare sandbox; it has just said that it is ready."""
    runtime = tmp_path / "runtime"
    shutil.copytree(RUNTIME / "berth_runtime", runtime / "berth_runtime")
    shutil.copy(POLICY, runtime / "berth_runtime")
    for name in ("run/root", "run/volumes"):
        os.makedirs(tmp_path / name)
    settings = {
        "host": os.getpid(),
        "installation": "tests",
        "root": str(tmp_path / "run/root"),
        "runtime": str(runtime),
        "socket": host.getsockname(),
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
    if process.poll() is None:
        process.communicate(timeout=30)  # the end of its input; killed, it would leave its control groups


def _event(launcher: subprocess.Popen[bytes]) -> Dict[str, Any]:
    """What it says next."""
    assert launcher.stdout is not None
    event: Dict[str, Any] = json.loads(launcher.stdout.readline())
    return event


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
    coming, lost = _event(launcher), _event(launcher)
    assert coming["event"] == "coming"
    assert lost == {"event": "lost", "child": coming["child"]}


def test_a_spare_connects_when_it_is_welcome(launcher: subprocess.Popen[bytes], host: socket.socket) -> None:
    coming = _event(launcher)
    assert launcher.stdin is not None
    launcher.stdin.write(json.dumps({"op": "welcome", "child": coming["child"]}).encode() + b"\n")
    launcher.stdin.flush()

    for kind in b"CO":
        connection, _ = host.accept()
        with connection:
            assert connection.recv(34) == bytes.fromhex(coming["token"]) + bytes([kind]) + b"\n"
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            assert struct.unpack("3i", credentials)[1] == coming["uid"]
