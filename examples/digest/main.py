"""Sums up a long conversation, says how far it is while it works, and stops when it is told to."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import berth
from summary import Summary
from transcript import BadTranscript, read

logger = logging.getLogger(__name__)

# So long the plugin computes before it lets other calls, and its own cancelling, have their turn.
SLICE_SECONDS = 0.02
# More often nobody can read it.
TELL_SECONDS = 0.2


class Digest:
    """``execute({"messages": [{"user": ..., "text": ..., "time": ...}, ...]})``"""

    def __init__(self, config: dict[str, Any]) -> None:
        self.keywords = int(config.get("keywords", 10))
        self.stop_words = frozenset(str(word).lower() for word in config.get("stop_words", []))

    async def initialize(self) -> bool:
        return True

    async def execute(self, context: dict[str, Any]) -> dict[str, Any]:
        messages = context.get("messages")
        if not isinstance(messages, list) or not messages:
            return {"success": False, "error": "The context has no messages. Give a list of {user, text, time}."}
        try:
            summary = await self._read(messages)
        except BadTranscript as e:
            return {"success": False, "error": str(e)}
        except asyncio.CancelledError:
            logger.info("told to stop after %d messages at most", len(messages))
            raise
        # Each part is sent as soon as it is there; the answer has them all once more.
        digest: dict[str, Any] = {"activity": summary.activity()}
        await berth.partial({"activity": digest["activity"]})
        await berth.progress(0.9, "finding keywords")
        digest["keywords"] = summary.keywords(self.keywords)
        await berth.partial({"keywords": digest["keywords"]})
        digest.update(summary.references())
        digest["open_questions"] = summary.open_questions()
        await berth.progress(1.0, "done")
        return {"success": True, "text": _text(digest), "digest": digest}

    async def cleanup(self) -> None:
        pass

    async def _read(self, messages: list[Any]) -> Summary:
        summary = Summary(self.stop_words)
        slice_ends = told = time.monotonic()
        for index, value in enumerate(messages):
            now = time.monotonic()
            if now >= slice_ends:
                if now >= told:
                    await berth.progress(0.9 * index / len(messages), f"message {index} of {len(messages)}")
                    told = now + TELL_SECONDS
                await asyncio.sleep(0)
                slice_ends = time.monotonic() + SLICE_SECONDS
            summary.add(read(value, index))
        return summary


def _text(digest: dict[str, Any]) -> str:
    activity = digest["activity"]
    people = activity["people"]
    who = ", ".join(f"{one['user']} ({one['messages']})" for one in people[:5])
    others = f" and {len(people) - 5} more" if len(people) > 5 else ""
    lines = [f"{activity['messages']} messages by {who}{others}."]
    if activity["busiest_day"]:
        lines.append(f"Over {activity['days']} days; the busiest was {activity['busiest_day']}.")
    if digest["keywords"]:
        lines.append("About: " + ", ".join(one["word"] for one in digest["keywords"]) + ".")
    if digest["links"]:
        lines.append("Links: " + ", ".join(one["url"] for one in digest["links"][:5]))
    lines += [f"Left open by {one['user']}: {one['text']}" for one in digest["open_questions"]]
    return "\n".join(lines)
