"""The worker's event loop: asyncio's own, with two additions that make a call cheap.

``start`` runs a coroutine's first step at once, inside a real task, so that a call that never waits costs no
turn of the loop. And one descriptor, the channel, is served where the loop waits, without a turn of it either:
as long as that is all that happens, the loop stays in its wait.
Only public parts of asyncio are used: a task asks its loop for its first step with ``call_soon``, so a loop
that keeps that one callback can run it when it likes; and all that could end a wait early goes through
``call_soon``, ``call_at``, ``stop`` or a descriptor.
"""

from __future__ import annotations

import asyncio
import contextvars
import select
import selectors
from typing import Any, Callable, Coroutine, List, Optional, Tuple

_Ready = List[Tuple[selectors.SelectorKey, int]]


class _Selector(selectors.EpollSelector):
    """The loop's selector. Beside what the loop watches it serves one channel, without leaving its wait.

    ``due`` is to be set by whatever gives the loop something to do: then the wait ends.
    """

    def __init__(self, before_wait: Callable[[], None]) -> None:
        super().__init__()
        self._before_wait = before_wait
        self._channel = -1
        self._on_readable: Callable[[], None] = _nothing
        self._on_error: Callable[[Exception], None] = _nothing
        # Watches the channel and, as one more descriptor, all that the loop watches.
        self._both = select.epoll()
        self._both.register(self.fileno(), select.EPOLLIN)
        self.due = True

    def serve(self, channel: int, on_readable: Callable[[], None], on_error: Callable[[Exception], None]) -> None:
        self._channel = channel
        self._on_readable = on_readable
        self._on_error = on_error
        self._both.register(channel, select.EPOLLIN)

    def select(self, timeout: Optional[float] = None) -> _Ready:
        self.due = False
        wait = None if timeout is None else max(timeout, 0.0)  # below 0, poll would wait for ever
        while True:
            self._before_wait()
            others = False
            for fd, _ in self._both.poll(wait, 2):  # as many as it watches: room for them is made each time
                if fd == self._channel:
                    try:
                        self._on_readable()
                    except Exception as e:
                        self._on_error(e)
                else:
                    others = True
            if others:
                return super().select(0)
            if self.due or wait is not None:
                return []

    def close(self) -> None:
        self._both.close()
        super().close()


class EagerLoop(asyncio.SelectorEventLoop):
    """A selector loop whose ``start`` takes a coroutine's first step at once, and which serves a channel.

    ``before_wait`` is called on the loop's thread before each look at the sockets; it must be quick.
    """

    def __init__(self, before_wait: Callable[[], None]) -> None:
        self._catching = False
        self._first: Optional[Callable[[], object]] = None
        self._first_context: Optional[contextvars.Context] = None
        # Made once: what call_soon has to return for a step that is not queued.
        self._caught: Optional[asyncio.Handle] = None
        self._wait = _Selector(before_wait)
        super().__init__(self._wait)
        self._caught = asyncio.Handle(_nothing, (), self)

    def serve(self, channel: int, on_readable: Callable[[], None]) -> None:
        """Call ``on_readable`` on the loop's thread whenever the descriptor ``channel`` can be read; once a loop.

        What it raises goes to the loop's exception handler, as from any callback; SystemExit and
        KeyboardInterrupt leave ``run_forever``.
        """

        def on_error(error: Exception) -> None:
            self.call_exception_handler({"message": "serving the channel failed", "exception": error})

        self._wait.serve(channel, on_readable, on_error)

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
        self._wait.due = True
        return super().call_soon(callback, *args, context=context)

    def call_at(self, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        self._wait.due = True
        return super().call_at(*args, **kwargs)

    def stop(self) -> None:
        self._wait.due = True
        super().stop()

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


def _nothing(*_: object) -> None:
    pass
