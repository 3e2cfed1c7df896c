"""A plugin's whole life, once, before there is a plugin: loaded, called, shut down, by the worker's own code.

After a fork each page of memory costs a fault and a copy when it is first written to, and Python writes a reference
count into almost everything that it touches; that was most of a worker's start. A rehearsal in a parked child takes
those faults while nobody waits. Some in the launcher, before there is a zygote, let the interpreter rewrite its
bytecode for the types it meets (PEP 659), so that every child shares the result instead of making its own.

It leaves nothing behind: what the worker changes for a whole process is put back, and the plugin is this module's
neighbour `rehearsed.py`, which does nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import logging
import os
import socket
import sys
from types import FrameType, FunctionType
from typing import Any, Iterator

from berth_runtime import call, codec, plugin, worker

_ENTRY = {"main": "rehearsed.py", "class": "Rehearsed"}
_PARKING = tuple(f"berth_runtime.{name}" for name in ("parking", "entry", "linux", "landlock", "seccomp"))
_POOL, _POOL_HEADER = 16384, 48  # bytes, of Objects/obmalloc.c
_GAPS = 4096
_LIMITS = {"max_context_bytes": 1 << 20, "max_result_bytes": 1 << 20}


def rehearse(times: int = 1) -> None:
    """To be called in the main thread, before a worker is made, while no loop runs. Raises OSError, ValueError."""
    for _ in range(times):
        with _put_back():
            contextvars.copy_context().run(_live)
    gc.collect()


def gather() -> None:
    """Lays together the code that workers run: copies of it, made one after the other. A call writes into its code
    object, and each page that one of these shared with what is never run would be copied for it, in every worker.
    """
    run: set[int] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            run.add(id(frame.f_code))

    sys.setprofile(note)
    try:
        rehearse()
    finally:
        sys.setprofile(None)
    for found in gc.get_objects():
        if type(found) is FunctionType and (id(found.__code__) in run or found.__module__ in _PARKING):
            found.__code__ = found.__code__.replace()


def fill_gaps() -> list[object]:
    """Takes the gaps among the objects that there are: what a child makes then lies together on pages of its own,
    where each gap would be a page to copy. The result is to be kept. Empty where Python has another allocator.
    """
    return [one for size in range(16, 513, 16) for one in _fill(size)]


def _fill(size: int) -> list[object]:
    kept: list[object] = []
    for _ in range(_GAPS):
        one: object = object() if size == 16 else complex(size, size) if size == 32 else bytes(size - 33)
        # The first object of a pool, behind its header: no pool of that size has a gap any more.
        if id(one) % _POOL == _POOL_HEADER:
            return kept
        kept.append(one)
    return []


def _live() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        one = worker.Worker()
        one.rehearse(theirs, ours, [_initialize(), _EXECUTE, _EXECUTE])


def _initialize() -> bytes:
    params = {
        "protocol": 1,
        "plugin": {"id": "plugin_rehearsed", "name": "rehearsed", "version": "1.0.0"},
        "entry": _ENTRY,
        "paths": [os.path.dirname(plugin.__file__)],
        "limits": _LIMITS,
        "config": {},
    }
    return codec.encode({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})


_EXECUTE = b'{"jsonrpc":"2.0","id":2,"method":"execute","params":{"context":{"text":"hello"}}}'


@contextlib.contextmanager
def _put_back() -> Iterator[None]:
    root = logging.getLogger()
    kept: Any = (sys.stdout, sys.stderr, sys.argv, sys.dont_write_bytecode, list(sys.path))
    handlers, level, port = list(root.handlers), root.level, call.port
    try:
        yield
    finally:
        sys.stdout, sys.stderr, sys.argv, sys.dont_write_bytecode, sys.path[:] = kept
        sys.modules.pop("rehearsed", None)
        sys.path_importer_cache.clear()
        for handler in list(root.handlers):
            root.removeHandler(handler)
            handler.close()
        for handler in handlers:
            root.addHandler(handler)
        root.setLevel(level)
        call.port = port
        asyncio.set_event_loop(None)
