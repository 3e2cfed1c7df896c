"""A file as multipart/form-data (RFC 7578), sent in pieces and never held whole."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from ._http import PIECE_BYTES, Request
from .errors import PluginServiceError


def upload(target: str, headers: dict[str, str], path: Path, config: Mapping[str, Any] | None) -> Request:
    """A POST of the file as ``file``, and of the settings, if any, as ``config`` before it."""
    try:
        size = os.stat(path).st_size
        if not path.is_file():
            raise OSError("it is not a file")
    except OSError as e:
        raise _unreadable(path, e) from e
    boundary = secrets.token_hex(16)
    head = b""
    if config is not None:
        settings = json.dumps(config, separators=(",", ":"), allow_nan=False)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="config"\r\n'
            f"Content-Type: application/json\r\n\r\n{settings}\r\n"
        ).encode("ascii")
    # The escapes a browser uses (WHATWG HTML, multipart/form-data encoding).
    name = path.name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode("utf-8", "surrogateescape")
    tail = f"\r\n--{boundary}--\r\n".encode("ascii")
    return Request(
        "POST",
        target,
        {**headers, "Content-Type": f"multipart/form-data; boundary={boundary}"},
        head=head,
        pieces=_pieces(path, size),
        tail=tail,
        length=len(head) + size + len(tail),
    )


async def _pieces(path: Path, size: int) -> AsyncIterator[bytes]:
    """Exactly ``size`` bytes of the file, read off the loop."""
    run = asyncio.get_running_loop().run_in_executor
    try:
        with await run(None, path.open, "rb") as file:
            while size:
                piece = await run(None, file.read, min(PIECE_BYTES, size))
                if not piece:
                    raise OSError("it shrank while it was sent")
                size -= len(piece)
                yield piece
    except OSError as e:
        raise _unreadable(path, e) from e


def _unreadable(path: Path, why: OSError) -> PluginServiceError:
    return PluginServiceError("file_unreadable", f"Can't read {path}: {why.strerror or why}.")
