"""What a conversation comes to. Counts as messages come, so that the work can be done in slices."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

from transcript import Message

_WORD = re.compile(r"[^\W\d_][\w'\u2019-]{2,40}")
_LINK = re.compile(r"https?://[^\s<>\"')\]]{3,2000}")
_MENTION = re.compile(r"@([\w.-]{1,64})")
# Words that say nothing of what a conversation is about.
_COMMON_WORDS = """
about after again all also and any are aren't because been before being but can can't come could did didn't does
doesn't doing don't done down each even every few for from get getting going good got had has have having her
here hers him his how i'll i'm i've into isn't it's its just know let let's like look make many maybe may might
more most much must need not now off okay one only other our out over please really same say see she should some
still such sure take than thank thanks that that's the their them then there there's these they they're thing
think this those through too two under until use very want was wasn't way we'll we're we've well were what
what's when where which while who why will with won't would yeah yes yet you you'll you're you've your
"""
_COMMON = frozenset(_COMMON_WORDS.split())
# Latin, full-width, Arabic.
_QUESTION_MARKS = ("?", "\uff1f", "\u061f")
MAX_OPEN_QUESTIONS = 20
MAX_LINKS = 50


class Summary:
    """Give it every message, in order; then ask."""

    def __init__(self, stop_words: frozenset[str] = frozenset()) -> None:
        self._stop_words = stop_words
        self._messages = 0
        self._users: Counter[str] = Counter()
        self._words_by_user: Counter[str] = Counter()
        self._hours: Counter[int] = Counter()
        self._days: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self._messages_with: Counter[str] = Counter()
        self._links: Counter[str] = Counter()
        self._mentions: Counter[str] = Counter()
        self._open: dict[str, str] = {}

    def add(self, message: Message) -> None:
        self._messages += 1
        self._users[message.user] += 1
        if message.time is not None:
            self._hours[message.time.hour] += 1
            self._days[message.time.date().isoformat()] += 1
        self._links.update(link.rstrip(".,;:!?") for link in _LINK.findall(message.text))
        self._mentions.update(name.rstrip(".") for name in _MENTION.findall(message.text))
        plain = _LINK.sub(" ", message.text)
        words = [word.lower().replace("\u2019", "'") for word in _WORD.findall(plain)]
        self._words_by_user[message.user] += len(words)
        telling = [word for word in words if word not in _COMMON and word not in self._stop_words]
        self._words.update(telling)
        self._messages_with.update(set(telling))
        self._question(message, plain)

    def activity(self) -> dict[str, Any]:
        """Who wrote how much, and when."""
        busiest = max(self._days.items(), key=lambda day: (day[1], day[0]), default=None)
        return {
            "messages": self._messages,
            "people": [
                {"user": user, "messages": count, "words": self._words_by_user[user]}
                for user, count in self._users.most_common()
            ],
            "days": len(self._days),
            "busiest_day": busiest[0] if busiest else None,
            "by_hour": [self._hours[hour] for hour in range(24)],
        }

    def keywords(self, most: int) -> list[dict[str, Any]]:
        """Words that are said often, weighed down where every message says them (tf-idf)."""
        weights = {
            word: count * math.log(1 + self._messages / self._messages_with[word])
            for word, count in self._words.items()
            if count > 1
        }
        ranked = sorted(weights, key=lambda word: (-weights[word], word))[:most]
        return [{"word": word, "count": self._words[word]} for word in ranked]

    def references(self) -> dict[str, Any]:
        return {
            "links": [{"url": url, "count": count} for url, count in self._links.most_common(MAX_LINKS)],
            "mentions": [{"user": user, "count": count} for user, count in self._mentions.most_common(MAX_LINKS)],
        }

    def open_questions(self) -> list[dict[str, str]]:
        """The last questions after which nobody else said anything."""
        return [{"user": user, "text": text} for user, text in self._open.items()][-MAX_OPEN_QUESTIONS:]

    def _question(self, message: Message, plain: str) -> None:
        # Somebody else's next message counts as an answer to whatever was open.
        self._open = {user: text for user, text in self._open.items() if user == message.user}
        if plain.rstrip().endswith(_QUESTION_MARKS):
            self._open[message.user] = message.text[:300]
