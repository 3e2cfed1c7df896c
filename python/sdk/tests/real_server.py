"""A real Berth, for the tests that want the whole way: ``./berth serve`` of this repository."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(os.environ.get("BERTH_ROOT") or Path(__file__).resolve().parents[3])
FIXTURES = ROOT / "dist" / "src" / "test" / "resources" / "plugins"
READY_SECONDS = 180  # it may have to be built first


@contextmanager
def running(data: Path) -> Iterator[str]:
    """Its address, while it runs."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with (data / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [ROOT / "berth", "serve", "--data", data / "data", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, port, data / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("GET", "/health/ready")
                if connection.getresponse().status == 200:
                    return
            finally:
                connection.close()
        time.sleep(0.05)  # nothing tells that a port is listened on
    raise AssertionError(f"the server did not become ready:\n{log.read_text(errors='replace')[-4000:]}")


def packed(folder: Path, into: Path) -> Path:
    """The plugin's archive, as ``tar -czf`` makes it."""
    archive = into / f"{folder.name}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name, filter=lambda entry: None if "__pycache__" in entry.name else entry)
    return archive
