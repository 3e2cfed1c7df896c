"""One connection's bytes.

asyncio's own streams forget what they have read when the connection breaks. Here that must not
happen: a server that refuses an upload answers, closes, and the answer says why.
"""

from __future__ import annotations

import asyncio

MAX_LINE_BYTES = 4 << 20
HIGH_WATER_BYTES = 1 << 20


class Wire(asyncio.Protocol):
    """Reads for one reader and writes for one writer, in the event loop that made it.

    Every method raises OSError when the connection breaks, reads only after the last byte is read.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._ended = False
        self._error: OSError | None = None
        self._paused = False
        self._transport: asyncio.Transport | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > HIGH_WATER_BYTES and not self._paused and self._transport:
            self._paused = True
            self._transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> bool:
        self._ended = True
        _wake(self._reader)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc if isinstance(exc, OSError) else self._error
        self._transport = None
        _wake(self._reader)
        _wake(self._writer)

    def pause_writing(self) -> None:
        self._writer = self.loop.create_future()

    def resume_writing(self) -> None:
        _wake(self._writer)
        self._writer = None

    @property
    def is_open(self) -> bool:
        """Whether it can carry another request: neither side has closed it, nothing is left over."""
        return self._transport is not None and not self._ended and not self._buffer

    def close(self) -> None:
        """Ends it at once. What was not sent yet is dropped."""
        if self._transport is not None and not self.loop.is_closed():
            self._transport.abort()

    async def write(self, data: bytes) -> None:
        """Sends, and waits while the other side is behind."""
        if self._transport is None:
            raise self._broken()
        self._transport.write(data)
        if self._writer is not None:
            await self._writer
            if self._transport is None:
                raise self._broken()

    async def read_line(self) -> bytes:
        """A line with its end; ValueError when it is longer than 4 MiB."""
        seen = 0
        while True:
            end = self._buffer.find(b"\n", seen)
            if end >= 0:
                return self._take(end + 1)
            seen = len(self._buffer)
            if seen > MAX_LINE_BYTES:
                raise ValueError(f"a line of the answer is longer than {MAX_LINE_BYTES} bytes")
            await self._more()

    async def read_exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._more()
        return self._take(size)

    async def read_some(self, most: int) -> bytes:
        """1 to ``most`` bytes, or none at the connection's end."""
        while not self._buffer:
            if self._ended:
                if self._error is not None:
                    raise self._error
                return b""
            await self._wait()
        return self._take(min(most, len(self._buffer)))

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        if self._paused and len(self._buffer) < HIGH_WATER_BYTES and self._transport:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def _more(self) -> None:
        if self._ended:
            raise self._broken()
        await self._wait()

    async def _wait(self) -> None:
        # A reader that wants more than the high water, say a long line, must not wait for itself.
        if self._paused and self._transport:
            self._paused = False
            self._transport.resume_reading()
        self._reader = self.loop.create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _broken(self) -> OSError:
        return self._error or ConnectionResetError("the server closed the connection")


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
