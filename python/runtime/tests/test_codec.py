from __future__ import annotations

import enum
import json
import math
from typing import Any, Dict, List

import pytest
from berth_runtime import codec


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1.5,
        1e308,
        "",
        'a"\\\n\t\x00\x7fä🎲',
        [],
        {},
        [1, [2, [3]]],
        {"a": {"b": []}},
        "[" * 1000,
        '"' * 1000,
        "\\" * 1001,
        "0" * 1000,
        [[]] * 1000,
        {"x" * 200 + "[" * 100: "0" * 300},
        10**99,
        [10**98] * 100,
    ],
)
def test_what_is_json_passes(value: Any) -> None:
    assert json.loads(codec.encode(value)) == value


def deep(levels: int, around: str = "[]") -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if around == "[]" else {"a": value, "b": "[{"}
    return value


@pytest.mark.parametrize("around", ["[]", "{}"])
def test_depth(around: str) -> None:
    codec.encode(deep(64, around))
    codec.encode([deep(63, around), deep(63, around)])
    for levels in (65, 100, 5_000):
        with pytest.raises(codec.NotJson, match="nested deeper than 64"):
            codec.encode(deep(levels, around))
    with pytest.raises(codec.NotJson, match="nested deeper than 64"):
        codec.encode([[], deep(64, around), []])


class Hostile(Dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("boo")


class Interrupted(Dict[str, int]):
    def items(self) -> Any:
        raise KeyboardInterrupt


RECURSIVE: List[Any] = []
RECURSIVE.append(RECURSIVE)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (math.nan, "Out of range float"),
        ({"a": [-math.inf]}, "Out of range float"),
        (b"x", "a value of type bytes is not JSON"),
        ({1, 2}, "a value of type set is not JSON"),
        ("\ud800", "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        (RECURSIVE, "contains itself or is nested deeper"),
        ({(1, 2): 3}, "keys must be"),
        (10**100, "a number of more than 100 characters"),
        ({"a": ["0" * 200, -(10**99)]}, "a number of more than 100 characters"),
        (Hostile(a=1), "reading it raised RuntimeError: boo$"),
        (Interrupted(a=1), "reading it raised KeyboardInterrupt$"),
    ],
)
def test_what_is_not_json_is_refused(value: Any, why: str) -> None:
    with pytest.raises(codec.NotJson, match=why):
        codec.encode(value)


def test_keys_and_enums_as_the_standard_library_writes_them() -> None:
    class Level(enum.IntEnum):
        HIGH = 3

    value = {1: True, None: Level.HIGH, 2.5: (1, 2), False: "x"}
    text = json.dumps(value, separators=(",", ":"))
    assert codec.encode(value).decode() == text


@pytest.mark.parametrize("text", ["", " ", " 1", "{", "[1,", "nul", '"', '"\n"', "[" * 100_000, "1" * 5_000 + "x"])
def test_bad_text_is_a_value_error(text: str) -> None:
    try:
        _, end = codec.decode(text, 0)
    except ValueError:
        return
    assert end != len(text)
