"""A conversation as chats export it: messages with who, when and what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any


class BadTranscript(ValueError):
    """What is wrong with a transcript, and in which message (0 is the first)."""


@dataclass(frozen=True)
class Message:
    """One message; ``time`` is aware, or None where it isn't known."""

    user: str
    text: str
    time: datetime | None


def read(value: Any, index: int) -> Message:
    """Reads ``{"user": "ada", "text": "hello", "time": "2026-01-02T09:30:00Z"}``; the time may be left out."""
    where = f"messages[{index}]"
    if not isinstance(value, dict):
        raise BadTranscript(f"{where} is not an object.")
    for key in ("user", "text"):
        if not isinstance(value.get(key), str):
            raise BadTranscript(f"{where}.{key} is not a text.")
    return Message(value["user"], value["text"], _time(value.get("time"), where))


def _time(value: Any, where: str) -> datetime | None:
    """ISO 8601, or seconds since 1970 in UTC."""
    if value is None:
        return None
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, timezone.utc)
        # Python reads a final Z only from 3.11 on.
        time = datetime.fromisoformat(re.sub("Z$", "+00:00", value))
    except (TypeError, ValueError, OverflowError, OSError):
        raise BadTranscript(f"{where}.time is not a time such as 2026-01-02T09:30:00Z.") from None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)
