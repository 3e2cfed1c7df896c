"""How a running call sends progress and parts of its result, from any thread."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Awaitable, Generator, Optional

from berth_runtime import codec, messages
from berth_runtime.channel import FrameSocket

_THREAD_POSTS = 64
_THREAD_PATIENCE = 1.0
# What stands around a partial's value in its frame.
_ENVELOPE = 128


class CallPort:
    """Implements ``berth_runtime.call.Port``. Made on the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, channel: FrameSocket) -> None:
        self._loop = loop
        self._channel = channel
        self._thread = threading.get_ident()
        self._posts = threading.Semaphore(_THREAD_POSTS)

    def progress(self, call_id: int, fraction: Optional[float], message: str) -> Awaitable[None]:
        return self._post(messages.progress(call_id, fraction, message))

    def partial(self, call_id: int, value: Any) -> Awaitable[None]:
        try:
            data = codec.encode(value)
        except codec.NotJson as e:
            raise ValueError(f"partial: not JSON: {e}") from None
        if len(data) > messages.MAX_FRAME - _ENVELOPE:
            raise ValueError(
                f"partial: {len(data)} bytes of JSON; at most {messages.MAX_FRAME - _ENVELOPE} go at once. "
                "Send it in smaller parts."
            )
        return self._post(messages.partial(call_id, data))

    def _post(self, body: bytes) -> Awaitable[None]:
        if threading.get_ident() == self._thread:
            self._channel.send(body)
            return _Room(self._channel)
        # A thread is held back here, for a while, when it posts faster than the host takes it.
        held = self._posts.acquire(timeout=_THREAD_PATIENCE)
        self._loop.call_soon_threadsafe(self._send_for_thread, body, held)
        return _Room(None)

    def _send_for_thread(self, body: bytes, held: bool) -> None:
        self._channel.send(body)
        if not held:
            return
        if self._channel.crowded():
            self._loop.create_task(self._release_later())
        else:
            self._posts.release()

    async def _release_later(self) -> None:
        await self._channel.room()
        self._posts.release()


class _Room:
    """Waits, if awaited, while the host doesn't take what was sent."""

    __slots__ = ("_channel",)

    def __init__(self, channel: Optional[FrameSocket]) -> None:
        self._channel = channel

    def __await__(self) -> Generator[Any, None, None]:
        if self._channel is not None and self._channel.crowded():
            yield from self._channel.room().__await__()
