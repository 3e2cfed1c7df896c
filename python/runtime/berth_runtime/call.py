"""Which call the running code belongs to, and how it speaks to the host about it.

The door for the ``berth`` package, which plugins import. A call's id travels in a context variable, so it follows
the call's tasks and its thread.
"""

from __future__ import annotations

import contextvars
from typing import Any, Awaitable, Optional, Protocol

current_id: contextvars.ContextVar[int] = contextvars.ContextVar("berth_call_id")


class Port(Protocol):
    """The worker, as a call sees it. Its methods may be called from any thread.

    What they return may be awaited, to wait until the host has taken what was sent.
    """

    def progress(self, call_id: int, fraction: Optional[float], message: str) -> Awaitable[None]: ...

    def partial(self, call_id: int, value: Any) -> Awaitable[None]: ...


port: Optional[Port] = None
"""Set by the worker when it starts; None where there is none."""
