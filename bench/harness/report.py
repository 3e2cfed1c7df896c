"""Rows of the table, and the table."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


class Unavailable(RuntimeError):
    """This machine lacks what a part needs; the text says what."""


@dataclass(frozen=True)
class Row:
    """One line: what was measured against what, and which ratio is to be reached.

    target: a ratio not to be exceeded; where ``more`` is set, one to be reached. rounds: how often each side was
    measured; what is told is the median.
    """

    what: str
    measured: str
    against: str
    ratio: float
    target: float
    rounds: int
    more: bool = False

    @property
    def reached(self) -> bool:
        return self.ratio >= self.target if self.more else self.ratio <= self.target


@dataclass(frozen=True)
class Plan:
    """How often and how long."""

    quick: bool

    @property
    def rounds(self) -> int:
        return 3 if self.quick else 7

    @property
    def seconds(self) -> float:
        return 1 if self.quick else 4

    def pick(self, full: int, quick: int) -> int:
        return quick if self.quick else full


def in_turn(plan: Plan, sides: dict[str, Callable[[], Any]]) -> dict[str, list[Any]]:
    """Measures every side once a round, so that what disturbs the machine for a while disturbs all of them."""
    taken: dict[str, list[Any]] = {name: [] for name in sides}
    for side in sides.values():
        side()  # to warm up, not counted
    for _ in range(plan.rounds):
        for name, side in sides.items():
            taken[name].append(side())
    return taken


def middle(values: Sequence[float]) -> float:
    return median(values)


def seconds(value: float) -> str:
    if value < 1e-3:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.1f} ms"
    return f"{value:.2f} s"


def rate(value: float) -> str:
    return f"{value:,.0f}/s".replace(",", " ")


def table(rows: Sequence[Row]) -> str:
    lines = ["| what | Berth | against | rounds | ratio | to reach | |", "|-|-|-|-|-|-|-|"]
    for row in rows:
        sign = "≥" if row.more else "≤"
        lines.append(
            f"| {row.what} | {row.measured} | {row.against} | {row.rounds} | **{row.ratio:.2f}x** |"
            f" {sign} {row.target:g}x | {'yes' if row.reached else 'no'} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """What it ran on, as far as figures depend on it."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release().split('-')[0]}, "
        f"Python {sys.version.split()[0]}"
    )
