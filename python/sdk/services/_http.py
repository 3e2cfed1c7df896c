"""HTTP/1.1 over asyncio (RFC 9112): what the client needs of it and no more.

Requests carry a body in memory or a file sent in pieces; answers are read whole or line by line.
Connections are kept open and used again. Cancelling a request closes its connection, which is how
the server learns that nobody waits.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ._wire import MAX_LINE_BYTES, Wire
from .errors import PluginServiceError

CONNECT_SECONDS = 10.0
MAX_IDLE_CONNECTIONS = 64
PIECE_BYTES = 256 << 10
# Answers are held in memory: the largest the server gives is a result of a few MiB, or a long list.
MAX_ANSWER_BYTES = 256 << 20


@dataclass(frozen=True)
class Origin:
    """Where a server is."""

    host: str
    port: int
    tls: bool
    prefix: str
    authority: str

    @staticmethod
    def parse(url: str) -> Origin:
        """Reads ``http://localhost:8000`` or ``https://host/prefix``; ValueError says what is wrong."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise ValueError(f"'{url}' is not a server's address. Write it as http://localhost:8000.")
        tls = parts.scheme == "https"
        return Origin(
            parts.hostname,
            port or (443 if tls else 80),
            tls,
            parts.path.rstrip("/"),
            parts.netloc.rpartition("@")[2],
        )


@dataclass(frozen=True)
class Request:
    """One request. The body is ``head``, then what ``pieces`` gives, then ``tail``."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    head: bytes = b""
    pieces: AsyncIterator[bytes] | None = None
    tail: bytes = b""
    length: int = 0


@dataclass(frozen=True)
class Answer:
    """What came back, with the body whole. Header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Connection:
    """One connection, of one event loop, with at most one request on it."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.used = False
        self.reusable = False

    def close(self) -> None:
        self.wire.close()

    async def send(self, request: Request, head: bytes) -> None:
        await self.wire.write(head + request.head)
        if request.pieces is not None:
            async for piece in request.pieces:
                await self.wire.write(piece)
            await self.wire.write(request.tail)

    async def read_head(self) -> tuple[int, dict[str, str]]:
        """The status and headers of the final answer; interim ones (100, 103) are passed over."""
        while True:
            version, _, rest = (await self.wire.read_line()).partition(b" ")
            if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
                raise _bad_answer("its answer is not HTTP/1.1")
            headers: dict[str, str] = {}
            while True:
                line = (await self.wire.read_line()).strip()
                if not line:
                    break
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            status = int(rest[:3])
            if status >= 200:
                self.reusable = version == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
                return status, headers

    async def read_body(self, status: int, headers: dict[str, str]) -> AsyncIterator[bytes]:
        if status in (204, 304):
            return
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while size := _chunk_size(await self.wire.read_line()):
                async for piece in self._pieces(size):
                    yield piece
                await self.wire.read_exactly(2)
            while (await self.wire.read_line()).strip():
                pass  # trailers
        elif "content-length" in headers:
            async for piece in self._pieces(_length(headers["content-length"])):
                yield piece
        else:
            self.reusable = False
            while piece := await self.wire.read_some(PIECE_BYTES):
                yield piece

    async def _pieces(self, size: int) -> AsyncIterator[bytes]:
        while size:
            piece = await self.wire.read_some(size)
            if not piece:
                raise ConnectionResetError("the server closed the connection within its answer")
            size -= len(piece)
            yield piece


class HttpClient:
    """A server, and the connections to it. Used from any event loop, one at a time."""

    def __init__(self, url: str) -> None:
        self.origin = Origin.parse(url)
        self._idle: list[_Connection] = []

    async def request(self, request: Request) -> Answer:
        """Sends a request and reads the answer whole."""
        connection, status, headers = await self._exchange(request)
        try:
            body = bytearray()
            async for piece in connection.read_body(status, headers):
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise _bad_answer(f"its answer is larger than {MAX_ANSWER_BYTES} bytes")
        except OSError as e:
            connection.reusable = False
            raise _lost(e) from e
        except BaseException:
            connection.reusable = False
            raise
        finally:
            self._put(connection)
        return Answer(status, headers, bytes(body))

    async def stream(self, request: Request) -> AsyncIterator[bytes]:
        """Sends a request and gives the answer's lines without their ends, as they come.

        An answer other than 200 is given as one AnswerError with the whole body.
        """
        connection, status, headers = await self._exchange(request)
        try:
            rest = b""
            async for piece in connection.read_body(status, headers):
                rest += piece
                if len(rest) > MAX_LINE_BYTES:
                    raise _bad_answer(f"a line of its answer is longer than {MAX_LINE_BYTES} bytes")
                if status == 200:
                    *lines, rest = rest.split(b"\n")
                    for line in lines:
                        yield line.rstrip(b"\r")
            if status != 200:
                raise AnswerError(Answer(status, headers, rest))
        except OSError as e:
            raise _lost(e) from e
        finally:
            connection.reusable = False
            self._put(connection)

    def close(self) -> None:
        """Closes the connections that are not in use."""
        while self._idle:
            self._idle.pop().close()

    async def _exchange(self, request: Request) -> tuple[_Connection, int, dict[str, str]]:
        head = self._head(request)
        while True:
            connection = await self._take()
            try:
                if request.pieces is None:
                    await connection.send(request, head)
                    status, headers = await connection.read_head()
                else:
                    status, headers = await _send_and_read(connection, request, head)
                return connection, status, headers
            except (OSError, ValueError) as e:
                connection.close()
                # The server may close an idle connection at the moment we use it. Asking again is
                # safe where a request changes nothing.
                if not (connection.used and request.method == "GET"):
                    raise _lost(e) from e
            except BaseException:
                connection.close()
                raise

    def _head(self, request: Request) -> bytes:
        lines = [
            f"{request.method} {self.origin.prefix}{request.target} HTTP/1.1",
            f"Host: {self.origin.authority}",
        ]
        headers = dict(request.headers)
        if request.length or request.method in ("POST", "PUT"):
            headers["Content-Length"] = str(request.length)
        for name, value in headers.items():
            if "\r" in value or "\n" in value:
                raise ValueError(f"the value of the header {name} has a line break")
            lines.append(f"{name}: {value}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")

    async def _take(self) -> _Connection:
        loop = asyncio.get_running_loop()
        while self._idle:
            connection = self._idle.pop()
            if connection.wire.loop is loop and connection.wire.is_open:
                connection.used = True
                return connection
            connection.close()
        origin = self.origin
        try:
            tls = ssl.create_default_context() if origin.tls else None
            _, wire = await asyncio.wait_for(
                loop.create_connection(Wire, origin.host, origin.port, ssl=tls), CONNECT_SECONDS
            )
        except (OSError, asyncio.TimeoutError) as e:
            why = str(e) or f"no answer within {CONNECT_SECONDS:g} s"
            raise PluginServiceError(
                "unreachable",
                f"No server answers at {origin.host}:{origin.port} ({why}). "
                "Start one with `berth serve`, or set BERTH_URL.",
            ) from e
        return _Connection(wire)

    def _put(self, connection: _Connection) -> None:
        if connection.reusable and connection.wire.is_open and len(self._idle) < MAX_IDLE_CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()


class AnswerError(Exception):
    """A stream that the server refused."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


async def _send_and_read(connection: _Connection, request: Request, head: bytes) -> tuple[int, dict[str, str]]:
    """Reads while it sends: a server that refuses an upload may answer half-way and close."""
    sending = asyncio.ensure_future(connection.send(request, head))
    reading = asyncio.ensure_future(connection.read_head())
    try:
        await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done() and not reading.done():
            failure = sending.exception()
            # A broken connection may still hold the answer that explains it; a file we can't read
            # leaves the server waiting for the rest.
            if failure is not None and not isinstance(failure, OSError):
                raise failure
        answer = await reading
        if not sending.done():
            connection.reusable = False
        return answer
    finally:
        sending.cancel()
        reading.cancel()
        await asyncio.wait({sending, reading})
        for task in (sending, reading):
            if not task.cancelled():
                task.exception()  # seen: it shows in the answer, or in its absence


def _chunk_size(line: bytes) -> int:
    try:
        size = int(line.split(b";")[0].strip(), 16)
    except ValueError:
        raise _bad_answer("its answer has a broken chunk") from None
    if size < 0 or size > MAX_ANSWER_BYTES:
        raise _bad_answer("its answer has a chunk out of range")
    return size


def _length(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise _bad_answer("its answer has a broken Content-Length")
    return int(text)


def _bad_answer(why: str) -> PluginServiceError:
    return PluginServiceError("bad_answer", f"This is not a Berth server, or a proxy is in the way: {why}.")


def _lost(error: BaseException) -> PluginServiceError:
    return PluginServiceError(
        "connection_lost",
        f"The connection broke before the answer came ({error or type(error).__name__}). "
        "The request may or may not have been carried out.",
    )
