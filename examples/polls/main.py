"""Polls in a chat: anybody asks, everybody votes once, the numbers survive restarts."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from store import Poll, Refused, Store

logger = logging.getLogger(__name__)

# The one place a plugin may write to for good.
DATA = Path("/data")

DAY_SECONDS = 86_400
MAX_TEXT = 200


class Polls:
    """``/poll`` and ``/vote``. Plain functions: the worker runs them on threads, where SQLite may block."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.max_options = int(config.get("max_options", 10))
        self.keep_days = int(config.get("keep_days", 90))
        self._store: Store | None = None

    def initialize(self) -> bool:
        self._store = Store(DATA / "polls.db")
        self._store.forget(closed_before=time.time() - self.keep_days * DAY_SECONDS)
        return True

    def execute(self, context: dict[str, Any]) -> dict[str, Any]:
        """``message`` is the command; ``user`` and ``channel`` say who asks and where."""
        message = str(context.get("message", "")).strip()
        user = str(context.get("user", "")).strip()
        channel = str(context.get("channel", ""))
        if not user:
            return {"success": False, "error": "Who asks? The context has no user."}
        try:
            return self._answer(message, user, channel)
        except Refused as e:
            return {"success": False, "error": str(e)}

    def cleanup(self) -> None:
        self._store = None

    def health_check(self) -> dict[str, Any]:
        self.store.open_polls("")
        return {"status": "healthy"}

    @property
    def store(self) -> Store:
        if self._store is None:
            raise RuntimeError("initialize() was not called")
        return self._store

    def _answer(self, message: str, user: str, channel: str) -> dict[str, Any]:
        command, _, rest = message.partition(" ")
        words = rest.split()
        if command == "/vote":
            if len(words) != 2:
                raise Refused("Say which poll and which option: /vote 1 2")
            return _shown(self.store.vote(channel, _number(words[0]), user, _number(words[1])))
        if command != "/poll":
            raise Refused("Say /poll or /vote.")
        if "|" in rest:
            return _shown(self._open(rest, user, channel))
        if len(words) == 2 and words[0] == "show":
            return _shown(self.store.show(channel, _number(words[1])))
        if len(words) == 2 and words[0] == "close":
            poll = self.store.close(channel, _number(words[1]), user)
            logger.info("poll %d was closed with %d votes", poll.number, sum(votes for _, votes in poll.options))
            return _shown(poll)
        if words == ["list"]:
            polls = self.store.open_polls(channel)
            text = "\n".join(f"{poll.number}: {poll.question}" for poll in polls) or "No open polls."
            return {"success": True, "text": text, "polls": [_as_json(poll) for poll in polls]}
        raise Refused("Ask like this: /poll Lunch? | pizza | soup. Or: /poll show 1, /poll close 1, /poll list.")

    def _open(self, text: str, user: str, channel: str) -> Poll:
        question, *options = (part.strip() for part in text.split("|"))
        if not question or not all(options):
            raise Refused("The question or an option is empty.")
        if not 2 <= len(options) <= self.max_options:
            raise Refused(f"A poll has 2 to {self.max_options} options; this one has {len(options)}.")
        if len(set(options)) < len(options):
            raise Refused("Two options are the same.")
        if max(map(len, (question, *options))) > MAX_TEXT:
            raise Refused(f"The question and the options have at most {MAX_TEXT} characters each.")
        return self.store.open(channel, user, question, options)


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise Refused(f"'{word[:20]}' is not a number.")
    return int(word)


def _as_json(poll: Poll) -> dict[str, Any]:
    return {
        "number": poll.number,
        "owner": poll.owner,
        "question": poll.question,
        "options": [{"text": text, "votes": votes} for text, votes in poll.options],
        "closed": poll.closed,
    }


def _shown(poll: Poll) -> dict[str, Any]:
    total = sum(votes for _, votes in poll.options)
    state = f"closed, {total} votes" if poll.closed else f"/vote {poll.number} N"
    lines = [f"{poll.number}: {poll.question} ({state})"]
    for i, (text, votes) in enumerate(poll.options, 1):
        share = f", {100 * votes // total} %" if total else ""
        lines.append(f"  {i}. {text}: {votes}{share}")
    return {"success": True, "text": "\n".join(lines), "poll": _as_json(poll)}
