"""A server of one script: what it gets it keeps, what it answers the test says, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Script = Callable[["Exchange"], Awaitable[None]]


class Exchange:
    """One connection, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read_request(self) -> tuple[str, dict[str, str], bytes]:
        """The request line, the headers by lower-case name, and the body by its Content-Length."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (h.partition(":") for h in rest)}
        return line, headers, await self.reader.readexactly(int(headers.get("content-length", "0")))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes, status: str = "200 OK", kind: str = "application/json") -> None:
        await self.send(
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )


class FakeServer:
    """Runs the script once for every connection and counts them."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.connections = 0
        self.ended: asyncio.Queue[None] = asyncio.Queue()
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._script(Exchange(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away, which is what many tests are about
        finally:
            writer.close()
            self.ended.put_nowait(None)


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[FakeServer]:
    """The server on a free port of the loopback address."""
    fake = FakeServer(script)
    server = await asyncio.start_server(fake._serve, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        server.close()
