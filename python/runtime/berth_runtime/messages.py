"""The messages of protocol/README.md: those of the host read, those of the worker written.

A frame's body is bytes on the way out and text on the way in.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

from berth_runtime import codec

MAX_FRAME = 1_048_576
MAX_PIECE = 262_144

PLUGIN_ERROR = -32000
INVALID_PARAMS = -32602
UNKNOWN_METHOD = -32601

EXECUTE = '{"jsonrpc":"2.0","id":'
CONTEXT = ',"method":"execute","params":{"context":'


class Initialize(NamedTuple):
    id: int
    plugin: Dict[str, str]
    main: str
    class_name: str
    paths: List[str]
    max_context_bytes: int
    max_result_bytes: int
    config: Dict[str, Any]


class Execute(NamedTuple):
    id: int
    context: Dict[str, Any]


class ExecuteChunked(NamedTuple):
    id: int
    chunks: int


class Cancel(NamedTuple):
    id: int


class Health(NamedTuple):
    id: int


class Shutdown(NamedTuple):
    id: int


class Chunk(NamedTuple):
    id: int
    data: str


class Refused(NamedTuple):
    """A request that has an id but can't be understood; it is answered with an error."""

    id: int
    code: int
    message: str


HostMessage = Union[Initialize, Execute, ExecuteChunked, Cancel, Health, Shutdown, Chunk, Refused]


class Violation(Exception):
    """The other side broke the protocol."""


def read(text: str) -> HostMessage:
    """The message that a frame holds; raises Violation."""
    try:
        message, end = codec.decode(text, 0)
    except ValueError as e:
        raise Violation(f"a frame that is not JSON: {e}") from None
    if end != len(text) or not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise Violation("a frame that is not one JSON-RPC 2.0 object")
    call_id, method, params = message.get("id"), message.get("method"), message.get("params", {})
    if not isinstance(method, str) or not isinstance(params, dict):
        raise Violation("a message without a method")
    if call_id is None:
        subject = params.get("id")
        if method == "cancel" and type(subject) is int:
            return Cancel(subject)
        if method == "chunk" and type(subject) is int and isinstance(params.get("data"), str):
            return Chunk(subject, params["data"])
        raise Violation(f"an unknown notification {method!r}")
    if type(call_id) is not int:
        raise Violation("an id that is not a whole number")
    try:
        return _request(call_id, method, params)
    except (KeyError, TypeError, ValueError) as e:
        return Refused(call_id, INVALID_PARAMS, f"bad params of {method}: {e!r}")


def _request(call_id: int, method: str, params: Dict[str, Any]) -> HostMessage:
    if method == "execute":
        if "chunks" in params:
            return ExecuteChunked(call_id, _a(int, params["chunks"]))
        return Execute(call_id, _a(dict, params["context"]))
    if method == "health":
        return Health(call_id)
    if method == "shutdown":
        return Shutdown(call_id)
    if method == "initialize":
        if params["protocol"] != 1:
            raise ValueError("this worker speaks protocol 1")
        entry, limits = params["entry"], params["limits"]
        return Initialize(
            call_id,
            _a(dict, params["plugin"]),
            _a(str, entry["main"]),
            _a(str, entry["class"]),
            [_a(str, path) for path in params["paths"]],
            _a(int, limits["max_context_bytes"]),
            _a(int, limits["max_result_bytes"]),
            _a(dict, params["config"]),
        )
    return Refused(call_id, UNKNOWN_METHOD, f"unknown method {method!r}")


def _a(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
    return value


def executed(call_id: int, success: bool, value: bytes) -> bytes:
    """The answer to an execute; ``value`` is JSON text."""
    return b'{"jsonrpc":"2.0","id":%d,"result":{"success":%b,"value":%b}}' % (
        call_id,
        b"true" if success else b"false",
        value,
    )


def executed_chunked(call_id: int, success: bool, chunks: int) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"result":{"success":%b,"chunks":%d}}' % (
        call_id,
        b"true" if success else b"false",
        chunks,
    )


def initialized(call_id: int, python: str, health: bool) -> bytes:
    return _message({"id": call_id, "result": {"protocol": 1, "python": python, "health": health}})


def answered(call_id: int, value: bytes) -> bytes:
    """The answer to a health or a shutdown; ``value`` is JSON text."""
    return b'{"jsonrpc":"2.0","id":%d,"result":{"value":%b}}' % (call_id, value)


class Raised(NamedTuple):
    """An exception: its class's name, where in the package it went through (``main.py:3 execute``, the innermost
    last), its traceback, and where it says that there is no room which limits on files are used up."""

    exception: str
    frames: Sequence[str]
    traceback: str
    full: Sequence[str] = ()


def failed(call_id: int, kind: str, message: str, raised: Optional[Raised]) -> bytes:
    data: Dict[str, Any] = {"kind": kind}
    if raised is not None:
        data["exception"] = clean(raised.exception)
        data["frames"] = [clean(frame) for frame in raised.frames]
        data["traceback"] = clean(raised.traceback)
        if raised.full:
            data["full"] = list(raised.full)
    error = {"code": PLUGIN_ERROR, "message": clean(message), "data": data}
    return _message({"id": call_id, "error": error})


def refused(call_id: int, code: int, message: str) -> bytes:
    return _message({"id": call_id, "error": {"code": code, "message": clean(message)}})


def cancelling(call_id: int) -> bytes:
    return _message({"method": "cancelling", "params": {"id": call_id}})


def progress(call_id: int, fraction: Optional[float], message: str) -> bytes:
    params = {"id": call_id, "fraction": fraction, "message": clean(message)}
    return _message({"method": "progress", "params": params})


def partial(call_id: int, value: bytes) -> bytes:
    """``value`` is JSON text."""
    return b'{"jsonrpc":"2.0","method":"partial","params":{"id":%d,"value":%b}}' % (call_id, value)


class Record(NamedTuple):
    """A log record; ``time`` in ms since 1970."""

    time: int
    level: str
    source: str
    logger: str
    message: str


def log(records: Sequence[Record], dropped: int) -> bytes:
    """The texts of the records must be clean already."""
    params = {"records": [r._asdict() for r in records], "dropped": dropped}
    return _message({"method": "log", "params": params})


def chunk(call_id: int, data: str) -> bytes:
    return _message({"method": "chunk", "params": {"id": call_id, "data": data}})


def pieces(value: bytes) -> List[str]:
    """``value`` cut into pieces of at most MAX_PIECE bytes, never inside a character."""
    out = []
    start = 0
    while start < len(value):
        end = min(start + MAX_PIECE, len(value))
        while end < len(value) and value[end] & 0xC0 == 0x80:
            end -= 1
        out.append(value[start:end].decode())
        start = end
    return out


def clean(text: str) -> str:
    """``text`` with halves of surrogate pairs, which UTF-8 can't carry, written as escapes."""
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()


def _message(members: Dict[str, Any]) -> bytes:
    return codec.encode({"jsonrpc": "2.0", **members})
