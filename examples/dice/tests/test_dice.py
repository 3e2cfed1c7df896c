from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import main
from main import Dice
from notation import NotationError, parse, throw


def loaded(*values: int) -> Any:
    """A die that shows these values, and fails the test when it is thrown too often or out of range."""
    rest: Iterator[int] = iter(values)

    def die(low: int, high: int) -> int:
        value = next(rest)
        assert low <= value <= high
        return value

    return die


@pytest.mark.parametrize(
    ("text", "values", "totals"),
    [
        ("2d6+3", (2, 5), [10]),
        ("d20", (17,), [17]),
        ("D%", (100,), [100]),
        ("4dF", (-1, 0, 1, 1), [1]),
        ("7", (), [7]),
        ("-1 + d4", (4,), [3]),
        ("2d6 - 1d4 - 1", (6, 6, 3), [8]),
        ("4d6kh3", (1, 6, 3, 1), [10]),
        ("4d6k3", (1, 6, 3, 1), [10]),
        ("4d6dl1", (1, 6, 3, 1), [10]),
        ("2d20kl1", (3, 18), [3]),
        ("3d6dh", (6, 6, 1), [7]),
        ("2d6kh5", (2, 3), [5]),
        ("2d6dh5", (2, 3), [0]),
        ("d20 adv", (3, 18), [18]),
        ("d20 + 5 dis", (3, 18), [8]),
        ("2d6! + 1", (6, 2, 6, 3), [18]),
        ("2d6r1", (1, 4, 1), [5]),
        ("2x d6 # stealth", (1, 6), [1, 6]),
        ("6x4d6kh3", (6,) * 24, [18] * 6),
    ],
)
def test_rolls(text: str, values: tuple[int, ...], totals: list[int]) -> None:
    assert [o.total for o in throw(parse(text), loaded(*values), 1000)] == totals


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Nothing to roll. An example: 2d6+3\n\n^"),
        ("2d", "How many sides? Write d6, d% or dF.\n2d\n  ^"),
        ("2d6 + ", "Dice or a number are expected here, such as 2d6 or 3.\n2d6 +\n     ^"),
        ("2d6 banana", "'b' is not expected here.\n2d6 banana\n    ^"),
        ("0d6", "At least one die.\n0d6\n^"),
        ("d1", "A die has 2 to 1000000 sides.\nd1\n ^"),
        ("d6000000", "A die has 2 to 1000000 sides.\nd6000000\n ^"),
        ("26x d6", "A roll is repeated 1 to 25 times.\n26x d6\n^"),
        ("2d6 adv", "'adv' needs a single die to roll twice, such as d20 adv.\n2d6 adv\n    ^"),
        ("4d6kh1kl1", "One such rule is enough.\n4d6kh1kl1\n      ^"),
        ("d6r6", "'r' wants the greatest value to roll again, 1 to 5.\nd6r6\n  ^"),
        ("9" * 500, "No number above 1000000000.\n" + "9" * 500 + "\n^"),
        ("d6+" * 200, "A roll has at most 500 characters.\nd6+d6+d6+d6+d6+d6+d6...\n^"),
        ("२d६", "Dice or a number are expected here, such as 2d6 or 3.\n२d६\n^"),
    ],
)
def test_what_is_wrong_is_shown(text: str, message: str) -> None:
    with pytest.raises(NotationError) as e:
        parse(text)
    assert str(e.value) == message


def test_exploding_dice_end() -> None:
    with pytest.raises(ValueError, match="too many dice"):
        throw(parse("d6!"), lambda low, high: high, 1000)


def test_execute_answers_as_chats_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "die", loaded(1, 6, 3, 1, 4))
    answer = asyncio.run(Dice({}).execute({"message": "/roll 4d6kh3 - d4 # fire ball"}))
    assert answer == {
        "success": True,
        "text": "fire ball: 4d6kh3 [1, 6, 3, (1)] - d4 [4] = 6",
        "label": "fire ball",
        "totals": [6],
        "rolls": [[[1, 6, 3, 1], [4]]],
    }


def test_the_operator_says_how_many_dice() -> None:
    answer = asyncio.run(Dice({"max_dice": 5}).execute({"message": "6d6"}))
    assert answer == {"success": False, "error": "That takes too many dice. At most 5."}


def test_a_die_is_fair_enough() -> None:
    rolled = throw(parse("6000d6"), main.die, 6000)[0].dice[0][1]
    for face in range(1, 7):
        # 1000 of each are expected; seven standard deviations are 202.
        assert 798 < sum(one.value == face for one in rolled) < 1202


def test_the_command() -> None:
    assert asyncio.run(main.on_command("/roll", ["7", "+", "1"]))["totals"] == [8]
    assert asyncio.run(main.on_command("/other", [])) == {"error": "Unknown command"}
