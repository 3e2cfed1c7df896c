"""A worker in a process of its own, and the host's end of its socket."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

PYTHON = Path(__file__).resolve().parents[2]
START = (
    "import os, socket, sys; sys.path[:0] = sys.argv[2:];"
    "from berth_runtime import worker;"
    "os._exit(worker.begin()(socket.socket(fileno=int(sys.argv[1]))))"
)


class Host:
    """The host's end, speaking JSON; ids are given out from 1."""

    def __init__(self, folder: Path, main: str, path: Tuple[str, ...] = ()) -> None:
        self.folder = folder
        (folder / "main.py").write_text(textwrap.dedent(main))
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(30)
        runtime = [str(PYTHON / "runtime"), str(PYTHON / "sdk")]
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", START, str(theirs.fileno()), *runtime],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self.paths = [str(folder), *path]
        self.logs: List[Dict[str, Any]] = []
        self.dropped = 0
        self._buffer = b""
        self._next = 1
        self._answers: Dict[int, Dict[str, Any]] = {}
        self.notes: List[Dict[str, Any]] = []

    def send_raw(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send(self, message: Dict[str, Any]) -> None:
        text = json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":"), ensure_ascii=False)
        body = text.encode()
        self.send_raw(len(body).to_bytes(4, "big") + body)

    def request(self, method: str, params: Optional[Dict[str, Any]] = None) -> int:
        call_id = self._next
        self._next += 1
        self.send({"id": call_id, "method": method, **({} if params is None else {"params": params})})
        return call_id

    def execute(self, **context: Any) -> int:
        return self.request("execute", {"context": context})

    def receive(self) -> Dict[str, Any]:
        """The next message; raises EOFError at the end."""
        body = self.receive_body()
        message: Dict[str, Any] = json.loads(body)
        return message

    def receive_body(self) -> bytes:
        while True:
            if len(self._buffer) >= 4:
                end = 4 + int.from_bytes(self._buffer[:4], "big")
                if len(self._buffer) >= end:
                    body, self._buffer = self._buffer[4:end], self._buffer[end:]
                    return body
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError
            self._buffer += data

    def answer(self, call_id: int) -> Dict[str, Any]:
        """The answer to that call; what comes before it is kept."""
        while call_id not in self._answers:
            self._take(self.receive())
        return self._answers.pop(call_id)

    def _take(self, message: Dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
        elif message["method"] == "log":
            self.logs += message["params"]["records"]
            self.dropped += message["params"]["dropped"]
        else:
            self.notes.append(message)

    def note(self) -> Dict[str, Any]:
        """The first notification, waiting for it."""
        while not self.notes:
            self._take(self.receive())
        return self.notes[0]

    def value(self, call_id: int) -> Any:
        answer = self.answer(call_id)
        assert "result" in answer, answer
        return answer["result"]["value"]

    def error(self, call_id: int) -> Dict[str, Any]:
        error: Dict[str, Any] = self.answer(call_id)["error"]
        return error

    def log(self, wanted: Callable[[Dict[str, Any]], bool]) -> Dict[str, Any]:
        """The first log record that fits, waiting for it."""
        while True:
            for record in self.logs:
                if wanted(record):
                    return record
            self._take(self.receive())

    def initialize(self, max_bytes: int = 1 << 20, **config: Any) -> Dict[str, Any]:
        call_id = self.request(
            "initialize",
            {
                "protocol": 1,
                "plugin": {"id": "plugin_t", "name": "t", "version": "1.0.0"},
                "entry": {"main": "main.py", "class": "P"},
                "paths": self.paths,
                "limits": {"max_context_bytes": max_bytes, "max_result_bytes": max_bytes},
                "config": config,
            },
        )
        return self.answer(call_id)

    def shutdown(self) -> int:
        self.answer(self.request("shutdown"))
        return self.process.wait(10)

    def close(self) -> None:
        self.socket.close()
        self.process.kill()
        self.process.wait()


Start = Callable[..., Host]
