"""What the launcher and the host say to each other, a line of JSON each: orders come on standard input, events go
to standard output. launcher.py says what is in them."""

from __future__ import annotations

import json
import os
from typing import Any


def first_line() -> dict[str, Any] | None:
    """The first line of input, waited for; None when there is none."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)  # no more than the line: the rest is read as it comes
        if not piece:
            return None
        line += piece
    settings: dict[str, Any] = json.loads(line)
    return settings


def say(event: dict[str, Any]) -> None:
    data = json.dumps(event, separators=(",", ":")).encode() + b"\n"
    while data:
        try:
            data = data[os.write(1, data) :]
        except BrokenPipeError:
            return  # the host is gone; the end of input tells


class Orders:
    """The lines after the first, which nobody waits for."""

    def __init__(self) -> None:
        os.set_blocking(0, False)
        self._rest = b""

    def read(self) -> list[dict[str, Any]] | None:
        """Those that have come whole; None at the end of input."""
        try:
            data = os.read(0, 65536)
        except BlockingIOError:
            return []
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]
