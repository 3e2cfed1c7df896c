"""Frames over the worker's socket: a 4-byte big-endian length, then that many bytes.

Reading and sending happen on the loop's thread. Frames are collected and sent together, after every 16 and
before the loop waits.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Callable, List, Optional

from berth_runtime.loop import EagerLoop
from berth_runtime.messages import MAX_FRAME

_READ = 65536
_FLUSH_EVERY = 16
_HIGH_WATER = 262_144


class FrameSocket:
    """The worker's end of the socket, which it is given by ``attach``.

    ``on_frame`` is given each frame's body as text; ``on_end`` is called when the host has gone or has sent
    what is no frame, with the reason.
    """

    _sock: socket.socket

    def __init__(self, on_frame: Callable[[str], None], on_end: Callable[[str], None]) -> None:
        self._fd = -1
        self._on_frame = on_frame
        self._on_end = on_end
        self._loop: Optional[EagerLoop] = None
        self._begun: List[bytes] = []  # What is here of a frame that is not here whole.
        self._have = 0
        self._need = 0
        self._out: List[bytes] = []
        self._frames = 0
        self._unsent: Optional[memoryview] = None  # The socket is full and this waits for room.
        self._waiting = 0  # Bytes in _out.
        self._flushing = False
        self._room: List[asyncio.Future[None]] = []

    def attach(self, sock: socket.socket, loop: EagerLoop) -> None:
        """Start reading."""
        sock.setblocking(False)
        self._sock = sock
        # read(2) and write(2) rather than recv and send: the kernel lets calls that no filter rule looks into pass
        # without running the filter.
        self._fd = sock.fileno()
        self._loop = loop
        loop.serve(self._fd, self._on_readable)

    # -- in ------------------------------------------------------------------------------------------------

    def _on_readable(self) -> None:
        try:
            data = os.read(self._fd, _READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as e:
            self._on_end(f"the host's socket failed: {e}")
            return
        if not data:
            self._on_end("the host has closed the socket")
            return
        if self._have:
            self._begun.append(data)
            self._have += len(data)
            if self._have < self._need:
                return
            data = b"".join(self._begun)
            self._begun.clear()
            self._have = 0
        try:
            self._take_frames(data)
        except UnicodeDecodeError:
            self._on_end("the host sent a frame that is not UTF-8")

    def _take_frames(self, data: bytes) -> None:
        at, end = 0, len(data)
        on_frame = self._on_frame
        while True:
            start = at + 4
            if start > end:
                self._need = 4
                break
            size = int.from_bytes(data[at:start], "big")
            if not 0 < size <= MAX_FRAME:
                self._on_end(f"the host sent a frame of {size} bytes")
                return
            stop = start + size
            if stop > end:
                self._need = size + 4
                break
            on_frame(data[start:stop].decode())
            at = stop
        if at < end:
            self._begun.append(data[at:])
            self._have = end - at

    # -- out -----------------------------------------------------------------------------------------------

    def send(self, body: bytes) -> None:
        """Queue a frame. A finalizer may log, and so come back in here, between any two steps."""
        size = len(body)
        frame = (size.to_bytes(4, "big"), body)
        self._out.extend(frame)  # One step: another send can't come between the two parts.
        self._waiting += size
        self._frames += 1
        if self._frames >= _FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Send what is queued, as far as the socket takes it."""
        if not self._out or self._flushing or self._unsent is not None:
            return
        self._flushing = True
        out, self._out = self._out, []
        self._frames = 0
        self._waiting = 0
        self._transmit(memoryview(b"".join(out)))
        self._flushing = False

    def _transmit(self, data: memoryview) -> None:
        try:
            sent = os.write(self._fd, data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return  # The host has gone: reading will say so.
        if sent < len(data):
            if self._unsent is None and self._loop is not None:
                self._loop.add_writer(self._sock, self._on_writable)
            self._unsent = data[sent:]
        else:
            self._unsent = None

    def _on_writable(self) -> None:
        if self._unsent is not None:
            self._transmit(self._unsent)
        if self._unsent is None and self._loop is not None:
            self._loop.remove_writer(self._sock)
            self.flush()
            if not self.crowded():
                room, self._room = self._room, []
                for waiter in room:
                    if not waiter.done():
                        waiter.set_result(None)

    def blocked(self) -> bool:
        """Whether the host is not taking what was sent."""
        return self._unsent is not None

    def crowded(self) -> bool:
        """Whether so much waits to be sent that who can wait should."""
        return self._waiting + len(self._unsent or b"") > _HIGH_WATER

    async def room(self) -> None:
        """Wait until it is no longer crowded."""
        while self.crowded() and self._unsent is not None and self._loop is not None:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._room.append(waiter)
            await waiter

    def finish(self, timeout: float) -> None:
        """Send all that is queued, waiting for the host at most ``timeout`` seconds for each part."""
        rest = b"".join((bytes(self._unsent or b""), *self._out))
        self._out.clear()
        self._unsent = None
        self._sock.settimeout(timeout)
        try:
            self._sock.sendall(rest)
        except OSError:
            pass  # The host has gone, or doesn't listen any more; there is nobody to tell.
