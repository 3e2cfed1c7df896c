"""When spare sandboxes are made, by a clock that the test turns."""

from __future__ import annotations

import pytest
from berth_runtime.spares import QUIET_SECONDS, Spares


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_are_made_at_once_until_there_are_enough() -> None:
    spares = Spares(2, Clock())
    assert spares.next(making=0, asked=0) == 0
    assert spares.wants(making=0, ready=0, asked=0)
    assert spares.wants(making=0, ready=1, asked=0)
    assert not spares.wants(making=0, ready=2, asked=0)
    assert spares.next(making=0, asked=0) is None


def test_nobody_looks_again_while_one_is_made_or_a_start_waits_for_one() -> None:
    """Both end with an event. Who asked meanwhile would turn round and round, and burn a CPU with it."""
    spares = Spares(2, Clock())
    assert spares.next(making=1, asked=0) is None
    assert spares.next(making=0, asked=1) is None
    assert not spares.wants(making=1, ready=0, asked=0)
    assert not spares.wants(making=0, ready=0, asked=1)
    assert spares.next(making=0, asked=0) == 0


def test_starts_are_left_alone() -> None:
    clock = Clock()
    spares = Spares(1, clock)
    spares.disturb()
    clock.now += 3600
    assert not spares.wants(making=0, ready=0, asked=0)
    assert spares.next(making=0, asked=0) is None
    spares.calm()
    assert spares.next(making=0, asked=0) == pytest.approx(QUIET_SECONDS)
    assert not spares.wants(making=0, ready=0, asked=0)
    clock.now += QUIET_SECONDS
    assert spares.wants(making=0, ready=0, asked=0)
    spares.disturb()  # another start takes it
    assert not spares.wants(making=0, ready=0, asked=0)
