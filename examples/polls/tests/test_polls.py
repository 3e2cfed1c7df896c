from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import main
from main import Polls


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(main, "DATA", tmp_path)
    return tmp_path


def started(**config: Any) -> Polls:
    plugin = Polls(config)
    assert plugin.initialize() is True
    return plugin


def say(plugin: Polls, message: str, user: str = "ada", channel: str = "#general") -> dict[str, Any]:
    return plugin.execute({"message": message, "user": user, "channel": channel})


def test_a_poll_from_question_to_result() -> None:
    plugin = started()
    assert (
        say(plugin, "/poll Lunch? | pizza | soup")["text"] == "1: Lunch? (/vote 1 N)\n  1. pizza: 0\n  2. soup: 0"
    )
    say(plugin, "/vote 1 1", user="ada")
    say(plugin, "/vote 1 1", user="bob")
    say(plugin, "/vote 1 2", user="bob")
    assert say(plugin, "/poll list")["text"] == "1: Lunch?"
    assert say(plugin, "/poll close 1") == {
        "success": True,
        "text": "1: Lunch? (closed, 2 votes)\n  1. pizza: 1, 50 %\n  2. soup: 1, 50 %",
        "poll": {
            "number": 1,
            "owner": "ada",
            "question": "Lunch?",
            "options": [{"text": "pizza", "votes": 1}, {"text": "soup", "votes": 1}],
            "closed": True,
        },
    }
    assert say(plugin, "/poll list")["text"] == "No open polls."


def test_it_survives_a_restart() -> None:
    first = started()
    say(first, "/poll Lunch? | pizza | soup")
    say(first, "/vote 1 2")
    first.cleanup()
    second = started()
    assert say(second, "/poll show 1")["poll"]["options"][1]["votes"] == 1
    assert say(second, "/poll Next? | a | b")["poll"]["number"] == 2


def test_channels_count_for_themselves() -> None:
    plugin = started()
    assert say(plugin, "/poll A? | a | b", channel="#one")["poll"]["number"] == 1
    assert say(plugin, "/poll B? | a | b", channel="#two")["poll"]["number"] == 1
    assert say(plugin, "/poll show 1", channel="#two")["poll"]["question"] == "B?"


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("/poll Lunch? | pizza", "A poll has 2 to 3 options; this one has 1."),
        ("/poll Lunch? | a | b | c | d", "A poll has 2 to 3 options; this one has 4."),
        ("/poll Lunch? | a | ", "The question or an option is empty."),
        ("/poll | a | b", "The question or an option is empty."),
        ("/poll Lunch? | a | a", "Two options are the same."),
        (f"/poll {'x' * 201} | a | b", "The question and the options have at most 200 characters each."),
        ("/poll", "Ask like this: /poll Lunch? | pizza | soup. Or: /poll show 1, /poll close 1, /poll list."),
        ("/vote 1", "Say which poll and which option: /vote 1 2"),
        ("/vote 1 ²", "'²' is not a number."),
        ("/vote 1 3", "Poll 1 has the options 1 to 2."),
        ("/vote 2 1", "There is no poll 2 here. /poll list shows the open ones."),
        ("hello", "Say /poll or /vote."),
    ],
)
def test_what_is_wrong_is_said(message: str, error: str) -> None:
    plugin = started(max_options=3)
    say(plugin, "/poll First? | a | b")
    assert say(plugin, message) == {"success": False, "error": error}


def test_only_the_owner_closes_and_a_closed_poll_takes_no_vote() -> None:
    plugin = started()
    say(plugin, "/poll Lunch? | pizza | soup")
    assert say(plugin, "/poll close 1", user="bob")["error"] == "Poll 1 is ada's, who alone can close it."
    say(plugin, "/poll close 1")
    assert say(plugin, "/vote 1 1")["error"] == "Poll 1 is closed."


def test_votes_at_one_moment_all_count() -> None:
    plugin = started()
    say(plugin, "/poll Lunch? | pizza | soup")
    threads = [threading.Thread(target=say, args=(plugin, "/vote 1 1", f"user{i}")) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert say(plugin, "/poll show 1")["poll"]["options"][0]["votes"] == 16


def test_old_polls_are_forgotten_and_no_number_is_given_twice(data: Path) -> None:
    plugin = started(keep_days=1)
    for question in ("A?", "B?"):
        poll = say(plugin, f"/poll {question} | a | b")["poll"]
        say(plugin, f"/vote {poll['number']} 1")
        say(plugin, f"/poll close {poll['number']}")
    with sqlite3.connect(data / "polls.db") as db:
        db.execute("update poll set closed_at = ?", (time.time() - 2 * main.DAY_SECONDS,))
    plugin = started(keep_days=1)
    assert "no poll 1" in say(plugin, "/poll show 1")["error"]
    assert say(plugin, "/poll show 2")["success"] is True
    with sqlite3.connect(data / "polls.db") as db:
        assert db.execute("select count(*) from vote").fetchone() == (1,)


def test_without_a_user_nothing_is_done() -> None:
    assert started().execute({"message": "/poll list"})["success"] is False
