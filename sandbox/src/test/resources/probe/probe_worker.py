"""A worker for tests: runs the Python it is sent, in the sandbox, and answers what the name `out` holds.

Frames both ways: 4-byte length, UTF-8. The answer is JSON: {"ok": out} or {"error": type, "errno": n, "text": traceback}.
"""

import json
import socket
import traceback
from typing import Any, Callable


def begin() -> Callable[[socket.socket], int]:
    return run


def run(channel: socket.socket) -> int:
    stream = channel.makefile("rwb")
    names: dict[str, Any] = {}
    while True:
        head = stream.read(4)
        if len(head) < 4:
            return 0
        code = stream.read(int.from_bytes(head, "big")).decode()
        try:
            names["out"] = None
            exec(code, names)
            answer = {"ok": names["out"]}
        except SystemExit as e:
            return int(e.code or 0)
        except BaseException as e:
            answer = {
                "error": type(e).__name__,
                "errno": getattr(e, "errno", None),
                "text": traceback.format_exc(),
            }
        data = json.dumps(answer, default=str).encode()
        stream.write(len(data).to_bytes(4, "big") + data)
        stream.flush()
