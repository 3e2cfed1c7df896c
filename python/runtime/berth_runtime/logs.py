"""What a plugin prints and logs becomes log records for the host: bounded, in batches, after its answers.

A flood is dropped, not stored: what is kept is at most MAX_RECORDS records and MAX_BYTES bytes, sent at most one
frame of them every INTERVAL seconds, and each frame says how many were left out.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
import time
import traceback
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional

from berth_runtime import messages
from berth_runtime.messages import Record

MAX_RECORDS = 1000
MAX_BYTES = 262_144
MAX_MESSAGE = 16_384
MAX_LINE = 8_192
BATCH_BYTES = 65_536
INTERVAL = 0.05
_OVERHEAD = 100  # Bytes of a record beside its texts, about.


class LogBuffer:
    """Log records on their way out. Any thread may add; the loop's thread takes batches."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """``wake`` is called, on whichever thread adds, when there is something to take after there was nothing,
        and again by adds after ``due``.
        """
        self.due = 0.0
        self._wake = wake
        # Re-entrant: a finalizer may log in the middle of an add on the same thread.
        self._lock = threading.RLock()
        self._records: Deque[Record] = deque()
        self._bytes = 0
        self._dropped = 0

    def add(self, level: str, source: str, logger: str, message: str, when: Optional[float] = None) -> None:
        """Add a record, or count it as dropped. ``when`` in seconds since 1970, now by default."""
        if len(message) > MAX_MESSAGE:
            message = f"{message[:MAX_MESSAGE]} ... [{len(message) - MAX_MESSAGE} more characters]"
        message, logger = messages.clean(message), messages.clean(logger[:200])
        stamp = int((time.time() if when is None else when) * 1000)
        record = Record(stamp, level, source, logger, message)
        size = _size(record)
        with self._lock:
            first = not self._records and not self._dropped
            if len(self._records) >= MAX_RECORDS or self._bytes + size > MAX_BYTES:
                self._dropped += 1
            else:
                self._records.append(record)
                self._bytes += size
        if first or time.monotonic() > self.due:
            self._wake()

    def take(self) -> Optional[bytes]:
        """One log message with as many records as fit into a batch; None when there are none."""
        with self._lock:
            if not self._records and not self._dropped:
                return None
            batch: List[Record] = []
            size = 0
            while self._records and (not batch or size + _size(self._records[0]) <= BATCH_BYTES):
                record = self._records.popleft()
                size += _size(record)
                batch.append(record)
            self._bytes -= size
            dropped, self._dropped = self._dropped, 0
        return messages.log(batch, dropped)

    def empty(self) -> bool:
        with self._lock:
            return not self._records and not self._dropped


def _size(record: Record) -> int:
    # A character is at most 4 bytes, and escaped at most 6.
    return len(record.message) * (1 if record.message.isascii() else 4) + _OVERHEAD


class RootHandler(logging.Handler):
    """Python's logging, into the buffer."""

    def __init__(self, buffer: LogBuffer) -> None:
        super().__init__()
        self._buffer = buffer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = self.format(record)
        except Exception:
            # As logging itself does: a bad log call is reported, not raised.
            self._buffer.add("ERROR", "logging", record.name, f"bad log call: {_last_error()}")
            return
        self._buffer.add(level_name(record.levelno), "logging", record.name, message, record.created)


def _last_error() -> str:
    return traceback.format_exc(limit=-3)


def level_name(number: int) -> str:
    """The name of the standard level at or below ``number``."""
    if number >= logging.CRITICAL:
        return "CRITICAL"
    if number >= logging.ERROR:
        return "ERROR"
    if number >= logging.WARNING:
        return "WARNING"
    return "INFO" if number >= logging.INFO else "DEBUG"


class LineStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr``: each line becomes a record. Any thread may write.

    A line that is not finished is kept per thread, so that lines of different threads don't mix. Of a line
    longer than MAX_LINE characters the rest is left out, with a note.
    """

    def __init__(self, buffer: LogBuffer, source: str, level: str) -> None:
        super().__init__()
        self._buffer = buffer
        self._source = source
        self._level = level
        self._lock = threading.RLock()
        self._begun: Dict[int, str] = {}
        self._cut: Dict[int, int] = {}
        self._bytes = _ByteDoor(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def buffer(self) -> io.RawIOBase:
        """Takes bytes, as ``sys.stdout.buffer`` does."""
        return self._bytes

    def writable(self) -> bool:
        return True

    def reconfigure(self, **_options: Any) -> None:
        """Programs call it to set encoding or buffering; both are fixed here."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        thread = threading.get_ident()
        with self._lock:
            start = 0
            while True:
                end = text.find("\n", start)
                if end < 0:
                    break
                self._extend(thread, text, start, end)
                self._finish(thread)
                start = end + 1
            if start < len(text):
                self._extend(thread, text, start, len(text))
        return len(text)

    def _extend(self, thread: int, text: str, start: int, end: int) -> None:
        begun = self._begun.get(thread, "")
        room = MAX_LINE - len(begun)
        if end - start > room:
            self._cut[thread] = self._cut.get(thread, 0) + end - start - room
            end = start + room
        self._begun[thread] = begun + text[start:end]

    def _finish(self, thread: int) -> None:
        line = self._begun.pop(thread, "").rstrip("\r")
        cut = self._cut.pop(thread, 0)
        if cut:
            line = f"{line} ... [{cut} more characters]"
        if line:
            self._buffer.add(self._level, self._source, "", line)

    def finish_all(self) -> None:
        """Let go of the lines that were not finished."""
        with self._lock:
            for thread in list(self._begun):
                self._finish(thread)


class _ByteDoor(io.RawIOBase):
    def __init__(self, stream: LineStream) -> None:
        super().__init__()
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        raw = bytes(data)
        self._stream.write(raw.decode("utf-8", "backslashreplace"))
        return len(raw)


def capture(buffer: LogBuffer) -> Callable[[], None]:
    """Send prints and logging of this process into ``buffer``. Returns what lets go of unfinished lines."""
    out = LineStream(buffer, "stdout", "INFO")
    err = LineStream(buffer, "stderr", "WARNING")
    sys.stdout, sys.stderr = out, err
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(RootHandler(buffer))
    root.setLevel(logging.INFO)

    def finish() -> None:
        out.finish_all()
        err.finish_all()

    return finish
