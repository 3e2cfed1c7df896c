"""Names what is being done, for the message when it fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class StepError(Exception):
    """A step of isolating failed. Its text says which, and what the kernel said."""

    def __init__(self, step: str, cause: BaseException) -> None:
        super().__init__(step, str(cause))
        self.step = step
        self.cause = str(cause) or type(cause).__name__


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Whatever of the expected kind fails inside is a StepError with that name."""
    try:
        yield
    except (OSError, ValueError, ImportError) as e:
        raise StepError(name, e) from e
