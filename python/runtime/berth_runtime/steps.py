"""Names what is being done, for the message when it fails, and tells the launcher."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from typing import NoReturn


class PluginsOwn(OSError):
    """What the plugin itself left in its /data is in the way. All else that fails before its code runs is trouble
    of this host's, which no plugin is given up for."""


class StepError(Exception):
    """A step of isolating failed. Its text says which, and what the kernel said. own: see PluginsOwn."""

    def __init__(self, step: str, cause: BaseException) -> None:
        super().__init__(step, str(cause))
        self.step = step
        self.cause = str(cause) or type(cause).__name__
        self.own = isinstance(cause, PluginsOwn)


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Whatever of the expected kind fails inside is a StepError with that name."""
    try:
        yield
    except (OSError, ValueError, ImportError) as e:
        raise StepError(name, e) from e


def fail(control: socket.socket, error: StepError) -> NoReturn:
    """Ends this process, with {"failed": step, "why": text} to the launcher as its last word."""
    with contextlib.suppress(OSError):
        control.send(json.dumps({"failed": error.step, "why": error.cause}).encode())
    os._exit(1)
