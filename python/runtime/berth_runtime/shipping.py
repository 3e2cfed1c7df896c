"""Sends the log buffer's batches to the host, at a bounded rate."""

from __future__ import annotations

import asyncio
import threading
from typing import Optional

from berth_runtime import logs
from berth_runtime.channel import FrameSocket


class LogShipper:
    """Captures this process's prints and logging and ships them. Made on the loop's thread.

    The first record after a quiet time goes out while it is being logged, not at the loop's next turn: a plugin
    that then blocks the loop for good has still said what it was about to do.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, channel: FrameSocket) -> None:
        self._loop = loop
        self._channel = channel
        self._thread = threading.get_ident()
        self._timer: Optional[asyncio.TimerHandle] = None
        self._asked = False
        self._buffer = logs.LogBuffer(self._wake)
        self._finish_lines = logs.capture(self._buffer)

    def _wake(self) -> None:
        if threading.get_ident() == self._thread:
            self._ship_when_due()
        elif not self._asked:
            self._asked = True
            try:
                self._loop.call_soon_threadsafe(self._answer_wake)
            except RuntimeError:
                pass  # The loop has closed: the process is ending.

    def _answer_wake(self) -> None:
        self._asked = False
        self._ship_when_due()

    def _ship_when_due(self) -> None:
        wait = self._buffer.due - self._loop.time()
        if wait <= 0:
            self._ship()
        elif self._timer is None:
            self._timer = self._loop.call_later(wait, self._ship)

    def _ship(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._buffer.due = self._loop.time() + logs.INTERVAL
        # When the host doesn't read, answers come first.
        if not self._channel.blocked():
            batch = self._buffer.take()
            if batch is not None:
                self._channel.send(batch)
                self._channel.flush()
        if not self._buffer.empty():
            self._timer = self._loop.call_later(logs.INTERVAL, self._ship)

    def ship_all(self) -> None:
        """Queue everything that is left, unfinished lines included."""
        self._finish_lines()
        while True:
            batch = self._buffer.take()
            if batch is None:
                return
            self._channel.send(batch)
