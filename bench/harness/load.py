"""Load: wrk for the calls that are counted in thousands, a raw socket for those that are not."""

from __future__ import annotations

import re
import select
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Load(NamedTuple):
    """What came of one run. Times in seconds."""

    rate: float
    p50: float
    calls: int


def wrk(url: str, body: str, connections: int, seconds: float, cpus: set[int] | None = None) -> Load:
    """POSTs the body as fast as it is answered. RuntimeError where an answer is not a 2xx."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(
            f'wrk.method = "POST"\nwrk.body = [[{body}]]\nwrk.headers["Content-Type"] = "application/json"\n'
        )
        pinned = ["taskset", "-c", ",".join(map(str, sorted(cpus)))] if cpus else []
        wanted = [f"-c{connections}", f"-d{seconds:g}s", "--latency", "-s", str(script), url]
        ran = subprocess.run([*pinned, "wrk", "-t1", *wanted], capture_output=True, text=True, check=True)
    text = ran.stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"{url} refused or broke calls:\n{text}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    p50 = re.search(r"50%\s+([\d.]+)(us|ms|s|m)", text)
    calls = re.search(r"(\d+) requests in", text)
    if not (rate and p50 and calls):
        raise RuntimeError(f"wrk said something else than expected:\n{text}")
    return Load(float(rate[1]), float(p50[1]) * _UNITS[p50[2]], int(calls[1]))


class RawClient:
    """One kept connection, whole requests and answers, nothing else, so that little of the time is its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = self._connect()
        self._host = f"127.0.0.1:{port}"

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def request(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json"
    ) -> tuple[int, bytes]:
        """The status and the body of an answer that has a Content-Length or chunks."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n"
        if body or method == "POST":
            head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        if select.select([self._socket], [], [], 0)[0]:
            # The server closed it while it was idle, as servers do.
            self._socket.close()
            self._socket = self._connect()
        self._socket.sendall(head.encode() + b"\r\n" + body)
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            self._more(data)
        headers = bytes(data[:end]).lower()
        status = int(headers[9:12])
        del data[: end + 4]
        if match := re.search(rb"content-length: *(\d+)", headers):
            while len(data) < int(match[1]):
                self._more(data)
            return status, bytes(data)
        if b"transfer-encoding: chunked" not in headers:
            return status, b""
        content = b""
        while True:
            while (end := data.find(b"\r\n")) < 0:
                self._more(data)
            size = int(data[:end], 16)
            while len(data) < end + 2 + size + 2:
                self._more(data)
            content += data[end + 2 : end + 2 + size]
            del data[: end + 2 + size + 2]
            if size == 0:
                return status, content

    def _more(self, data: bytearray) -> None:
        piece = self._socket.recv(1 << 16)
        if not piece:
            raise ConnectionError("the server closed the connection")
        data += piece

    def close(self) -> None:
        self._socket.close()


def multipart(archive: Path) -> tuple[bytes, str]:
    """The body that installs an archive, and its content type."""
    mark = "berth-bench-boundary"
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{archive.name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return (
        head.encode() + archive.read_bytes() + f"\r\n--{mark}--\r\n".encode(),
        f"multipart/form-data; boundary={mark}",
    )
