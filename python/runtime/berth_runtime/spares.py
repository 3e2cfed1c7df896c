"""When the launcher makes sandboxes that nobody asked for yet."""

from __future__ import annotations

import time
from typing import Callable

QUIET_SECONDS = 0.05


class Spares:
    """One at a time, up to `wanted`, and none in the middle of starts, which it would slow down."""

    def __init__(self, wanted: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._wanted = wanted
        self._clock = clock
        self._due: float | None = clock()

    def disturb(self) -> None:
        """A start has begun: none until calm() is called."""
        self._due = None

    def calm(self) -> None:
        """A start has ended: the next is made when no other was seen for a while."""
        self._due = self._clock() + QUIET_SECONDS

    def wants(self, making: int, ready: int, asked: int) -> bool:
        """Whether to make one now. making, ready: sandboxes on their way and free. asked: starts that wait."""
        if self._due is None or self._clock() < self._due or making or asked:
            return False
        if ready >= self._wanted:
            self._due = None
            return False
        return True

    def next(self, making: int, asked: int) -> float | None:
        """Seconds until wants() is to be asked again. None where an event comes before: what is being made ends
        with one, and so does a start."""
        if self._due is None or making or asked:
            return None
        return max(0.0, self._due - self._clock())
