"""The worker's event loop: asyncio's own, with two additions that make a call cheap.

``start`` runs a coroutine's first step at once, inside a real task, so that a call that never waits costs no
turn of the loop; and a function is called each time before the loop waits, to send what was left to be sent.
Only public parts of asyncio are used: a task asks its loop for its first step with ``call_soon``, so a loop
that keeps that one callback can run it when it likes.
"""

from __future__ import annotations

import asyncio
import contextvars
import selectors
from typing import Any, Callable, Coroutine, List, Optional, Tuple

_Ready = List[Tuple[selectors.SelectorKey, int]]


class _Selector(selectors.DefaultSelector):
    """The platform's selector, calling a function before it waits."""

    def __init__(self, before_wait: Callable[[], None]) -> None:
        super().__init__()
        self._before_wait = before_wait

    def select(self, timeout: Optional[float] = None) -> _Ready:
        self._before_wait()
        return super().select(timeout)


class EagerLoop(asyncio.SelectorEventLoop):
    """A selector loop whose ``start`` takes a coroutine's first step at once.

    ``before_wait`` is called on the loop's thread before each look at the sockets; it must be quick.
    """

    def __init__(self, before_wait: Callable[[], None]) -> None:
        self._catching = False
        self._first: Optional[Callable[[], object]] = None
        self._first_context: Optional[contextvars.Context] = None
        # Made once: what call_soon has to return for a step that is not queued.
        self._caught: Optional[asyncio.Handle] = None
        super().__init__(_Selector(before_wait))
        self._caught = asyncio.Handle(_nothing, (), self)

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: Optional[contextvars.Context] = None,
    ) -> asyncio.Handle:
        # A task asks with its context and without arguments; a finalizer that runs just now would not.
        if self._catching and context is not None and not args and self._caught is not None:
            self._catching = False
            self._first = callback
            self._first_context = context
            return self._caught
        return super().call_soon(callback, *args, context=context)

    def start(self, coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Make a task of ``coro`` and run it up to its first wait; it may be done on return.

        Must be called on the loop's thread, outside any task (from a reader, say), while the loop runs. The
        task runs in a copy of the current context. SystemExit and KeyboardInterrupt stay in the task.
        """
        self._catching = True
        try:
            task: asyncio.Task[Any] = asyncio.Task(coro, loop=self)
        finally:
            self._catching = False
        step, context = self._first, self._first_context
        self._first = self._first_context = None
        if step is not None:
            try:
                if context is None:
                    step()
                else:
                    context.run(step)
            except (SystemExit, KeyboardInterrupt):
                pass  # Raised out of a step after the task has taken note of it.
        return task


def _nothing() -> None:
    pass
