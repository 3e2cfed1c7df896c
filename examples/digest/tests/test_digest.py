from __future__ import annotations

import asyncio
from typing import Any

import pytest

import berth
import main
from main import Digest

TALK: list[dict[str, Any]] = [
    {"user": "ada", "text": "The engine needs oil", "time": "2026-01-02T09:30:00Z"},
    {"user": "bob", "text": "Which oil does the engine take?", "time": "2026-01-02T09:31:00Z"},
    {"user": "ada", "text": "See https://example.com/oil, @bob.", "time": 1767346320},
    {"user": "ada", "text": "Who brings the oil?", "time": "2026-01-03T18:00:00+02:00"},
]


class Told:
    """Keeps what the plugin says of its call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.progress: list[tuple[float, str]] = []
        self.partial: list[Any] = []
        self.calls = 0

        async def progress(fraction: float, message: str = "") -> None:
            self.progress.append((fraction, message))

        async def partial(value: Any) -> None:
            self.partial.append(value)

        monkeypatch.setattr(berth, "progress", progress)
        monkeypatch.setattr(berth, "partial", partial)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def digest(messages: Any, **config: Any) -> dict[str, Any]:
    return asyncio.run(Digest(config).execute({"messages": messages}))


def test_a_conversation_is_summed_up(told: Told) -> None:
    answer = digest(TALK, keywords=2)
    assert answer["digest"] == {
        "activity": {
            "messages": 4,
            "people": [{"user": "ada", "messages": 3, "words": 10}, {"user": "bob", "messages": 1, "words": 6}],
            "days": 2,
            "busiest_day": "2026-01-02",
            "by_hour": [0] * 9 + [3] + [0] * 8 + [1] + [0] * 5,
        },
        "keywords": [{"word": "oil", "count": 3}, {"word": "engine", "count": 2}],
        "links": [{"url": "https://example.com/oil", "count": 1}],
        "mentions": [{"user": "bob", "count": 1}],
        "open_questions": [{"user": "ada", "text": "Who brings the oil?"}],
    }
    assert answer["text"].splitlines()[0] == "4 messages by ada (3), bob (1)."


def test_parts_come_before_the_answer(told: Told) -> None:
    answer = digest(TALK)
    assert told.partial == [
        {"activity": answer["digest"]["activity"]},
        {"keywords": answer["digest"]["keywords"]},
    ]
    assert told.progress[-1] == (1.0, "done")


def test_progress_only_grows(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "SLICE_SECONDS", 0)
    monkeypatch.setattr(main, "TELL_SECONDS", 0)
    digest(TALK * 50)
    fractions = [fraction for fraction, _ in told.progress]
    assert fractions == sorted(fractions)
    assert len(fractions) > 100


def test_it_lets_others_run_and_can_be_stopped(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "SLICE_SECONDS", 0)

    async def stop() -> None:
        call = asyncio.ensure_future(Digest({}).execute({"messages": TALK * 100_000}))
        for _ in range(3):
            await asyncio.sleep(0)
        call.cancel()
        await call

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stop())
    assert (1.0, "done") not in told.progress


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        (None, "The context has no messages. Give a list of {user, text, time}."),
        ([], "The context has no messages. Give a list of {user, text, time}."),
        ([TALK[0], 3], "messages[1] is not an object."),
        ([{"user": "ada"}], "messages[0].text is not a text."),
        ([{**TALK[0], "time": "yesterday"}], "messages[0].time is not a time such as 2026-01-02T09:30:00Z."),
        ([{**TALK[0], "time": 1e300}], "messages[0].time is not a time such as 2026-01-02T09:30:00Z."),
        ([{**TALK[0], "time": True}], "messages[0].time is not a time such as 2026-01-02T09:30:00Z."),
    ],
)
def test_what_is_wrong_is_said(told: Told, messages: Any, error: str) -> None:
    assert digest(messages) == {"success": False, "error": error}


def test_times_may_be_left_out(told: Told) -> None:
    activity = digest([{"user": "ada", "text": "hello"}])["digest"]["activity"]
    assert (activity["days"], activity["busiest_day"]) == (0, None)


def test_outside_a_host_it_works_too() -> None:
    assert digest(TALK)["success"] is True
