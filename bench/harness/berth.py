"""A Berth server of our own, on a free port, with its data in a folder that goes away."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import proc
from .load import RawClient, multipart

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 120


class Berth:
    """Started when made, ended by close(). ``ready_seconds``: from starting it to its first ready answer."""

    def __init__(
        self, environment: dict[str, str] | None = None, options: Sequence[str] = (), folder: Path | None = None
    ) -> None:
        self._keep = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="berth-bench-"))
        self.port = free_port()
        self._log = (self.folder / "server.log").open("ab")
        start = time.perf_counter()
        self._process = subprocess.Popen(
            [ROOT / "berth", "serve", "--data", self.folder / "data", "--port", str(self.port), *options],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait_until_ready(start)
        except BaseException:
            self.close()
            raise
        self.ready_seconds = time.perf_counter() - start
        self.client = RawClient(self.port)

    def _wait_until_ready(self, start: float) -> None:
        while True:
            with contextlib.suppress(OSError):
                client = RawClient(self.port)
                try:
                    if client.request("GET", "/health/ready")[0] == 200:
                        return
                finally:
                    client.close()
            if self._process.poll() is not None or time.perf_counter() - start > READY_SECONDS:
                text = (self.folder / "server.log").read_text(errors="replace")
                raise RuntimeError(f"the server did not become ready. It said:\n{text[-4000:]}")
            time.sleep(0.01)  # asked more often it would keep the server from getting ready

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pids(self) -> list[int]:
        """The server and every process of its sandboxes."""
        return proc.family(self._process.pid)

    @property
    def pid(self) -> int:
        """The server's own process."""
        return self._process.pid

    def kill(self) -> None:
        """Ends it as a power cut would; what it runs is left to itself."""
        self._process.kill()
        self._process.wait()

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json", status: int = 0
    ) -> Any:
        """The answer's JSON. RuntimeError for a status other than ``status``, or than any 2xx when that is 0."""
        got, content = self.client.request(method, path, body, kind)
        if got != status if status else not 200 <= got < 300:
            raise RuntimeError(f"{method} {path}: {got} {content.decode(errors='replace')[:2000]}")
        return json.loads(content or b"null")

    def install(self, archive: Path) -> str:
        body, kind = multipart(archive)
        return str(self.ask("POST", "/api/plugins/install", body, kind)["plugin_id"])

    def enable(self, plugin_id: str) -> None:
        self.ask("POST", f"/api/plugins/{plugin_id}/enable")

    def execute(self, plugin_id: str, context: dict[str, Any], status: int = 0) -> Any:
        body = json.dumps({"context": context}).encode()
        return self.ask("POST", f"/api/plugins/{plugin_id}/execute", body, status=status)

    def close(self) -> None:
        if hasattr(self, "client"):
            self.client.close()
        proc.end(self._process)
        self._log.close()
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def pack(folder: Path, into: Path, name: str = "", extra: dict[str, bytes] | None = None) -> Path:
    """Packs a plugin as ``tar -czf`` does, under another name where one is given, with further files."""
    with tempfile.TemporaryDirectory() as copy:
        plugin = Path(copy) / (name or folder.name)
        shutil.copytree(folder, plugin, ignore=shutil.ignore_patterns("__pycache__"))
        if name:
            manifest = plugin / "plugin.yaml"
            lines = manifest.read_text().splitlines(keepends=True)
            manifest.write_text("".join(f"name: {name}\n" if line.startswith("name:") else line for line in lines))
        for path, data in (extra or {}).items():
            (plugin / path).write_bytes(data)
        archive = into / f"{plugin.name}-1.0.0.tar.gz"
        with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
            tar.add(plugin, plugin.name)
    return archive


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
