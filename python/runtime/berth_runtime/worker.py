"""The worker: one plugin, answering the host over one socket (see protocol/README.md).

What a plugin can count on:

- Its module runs once, then ``__init__(config)``, then ``initialize()``; an exception, or ``initialize`` returning
  False, and the plugin does not start. ``initialize``, ``cleanup`` and ``health_check`` may be left out.
- ``execute(context)`` is called for many calls at once. An ``async def`` runs on the event loop and must not block
  it; a plain ``def`` runs in a thread, at most PLAIN_THREADS of them at a time, and so do the other methods.
- A cancelled call, or one past its time: an ``async def`` gets CancelledError where it waits; a plain one runs on
  and its answer is dropped, but if it is not done soon the worker is killed.
- What ``execute`` returns must be JSON: dict, list, str, int, float, bool, None, nested at most 64 deep, no NaN.
- ``print`` and ``logging`` become log records.
- Everything of asyncio works; ``loop.stop()``, ``exit()`` and the like end the call, not the worker.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import importlib
import inspect
import logging
import os
import socket
import stat
import sys
from concurrent.futures import Future
from concurrent.futures.thread import ThreadPoolExecutor
from typing import Any, Callable, Coroutine, Dict, List, NoReturn, Optional, Set, Union

from berth_runtime import call, codec, messages, plugin, shipping
from berth_runtime.channel import FrameSocket
from berth_runtime.loop import EagerLoop
from berth_runtime.messages import CONTEXT, EXECUTE, MAX_FRAME
from berth_runtime.port import CallPort

try:
    # Plugins import it; loaded here, it is there whatever their path is, and shared with the zygote.
    importlib.import_module("berth")
except ImportError:
    pass

PLAIN_THREADS = 16
EGRESS = "/run/egress.sock"
EXIT_SHUT_DOWN = 0
EXIT_CHANNEL_LOST = 1
_LAST_WORDS_SECONDS = 1.0

_log = logging.getLogger("berth")


def begin() -> Callable[[socket.socket], int]:
    """Make ready all that needs no channel. What is returned serves one plugin until the host shuts it down, and
    returns the process's exit status.

    Both are to be called once, in the process's main thread, the second after isolation, with the connected
    stream socket, past the token line. Plugin threads may still run when it returns, so the caller ends the
    process with ``os._exit(status)``. When the channel ends unasked, the process ends at once, without returning.
    """
    return Worker().serve


class Worker:
    """The conversation. Everything of it runs on the main thread, the loop's."""

    def __init__(self) -> None:
        self._channel = FrameSocket(self._on_frame, _end)
        self._loop = EagerLoop(self._channel.flush)
        asyncio.set_event_loop(self._loop)
        self._logs = shipping.LogShipper(self._loop, self._channel)
        self._status: Optional[int] = None
        self._begun = False
        self._plugin: Any = None
        self._execute_async: Optional[Callable[[Any], Coroutine[Any, Any, Any]]] = None
        self._max_context = self._max_result = MAX_FRAME
        self._running: Dict[int, Union[asyncio.Task[Any], Future[Any]]] = {}
        self._cancelled: Set[int] = set()
        self._pieces: Dict[int, List[str]] = {}
        self._threads = ThreadPoolExecutor(PLAIN_THREADS, "execute")
        # Apart, so that busy calls don't make the plugin look unhealthy.
        self._control_threads = ThreadPoolExecutor(1, "control")
        self._control_tasks: Set[asyncio.Task[None]] = set()

    def serve(self, channel: socket.socket) -> int:
        call.port = CallPort(self._loop, self._channel)
        self._channel.attach(channel, self._loop)
        while self._status is None:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as e:
                # asyncio lets these two through the loop. The task that raised them is over; the rest goes on.
                _log.error("the plugin raised %s; its worker goes on", plugin.describe(e))
        self._logs.ship_all()
        self._channel.finish(_LAST_WORDS_SECONDS)
        return self._status

    def rehearse(self, channel: socket.socket, host: socket.socket, frames: List[bytes]) -> None:
        """Be told ``frames`` by ``host``, the channel's other end, one at a time, then end. See rehearsal.py."""
        call.port = CallPort(self._loop, self._channel)
        self._channel.attach(channel, self._loop)
        self._loop.add_reader(host, self._loop.stop)
        try:
            for frame in frames:
                host.sendall(len(frame).to_bytes(4, "big") + frame)
                self._loop.run_forever()
                if b'"result"' not in (answer := host.recv(65536)):
                    raise ValueError(f"a rehearsal failed: {answer!r}")
        finally:
            self._loop.close()

    # -- frames ------------------------------------------------------------------------------------------------

    def _on_frame(self, text: str) -> None:
        # The hot message is read by its canonical form: its id, then its context.
        if text.startswith(EXECUTE):
            comma = text.find(",", 22)
            if text.startswith(CONTEXT, comma):
                try:
                    call_id = int(text[22:comma])
                    context, end = codec.decode(text, comma + 40)
                except ValueError:
                    call_id = end = -1
                if end == len(text) - 2 and text.endswith("}}") and type(context) is dict:
                    self._execute(call_id, context)
                    return
        try:
            message = messages.read(text)
        except messages.Violation as e:
            _end(str(e))
        self._take(message)

    def _take(self, message: messages.HostMessage) -> None:
        if isinstance(message, messages.Execute):
            self._execute(message.id, message.context)
        elif isinstance(message, messages.ExecuteChunked):
            self._execute_chunked(message)
        elif isinstance(message, messages.Chunk):
            self._pieces.setdefault(message.id, []).append(message.data)
        elif isinstance(message, messages.Cancel):
            self._cancel(message.id)
        elif isinstance(message, messages.Health):
            self._control(self._health(message.id))
        elif isinstance(message, messages.Initialize):
            self._control(self._initialize(message))
        elif isinstance(message, messages.Shutdown):
            self._control(self._shutdown(message.id))
        else:
            self._refuse(message.id, message.code, message.message)

    def _refuse(self, call_id: int, code: int, message: str) -> None:
        self._channel.send(messages.refused(call_id, code, message))

    def _fail(self, call_id: int, fault: plugin.Fault) -> None:
        self._channel.send(messages.failed(call_id, fault.kind, fault.message, fault.raised))

    # -- execute -----------------------------------------------------------------------------------------------

    def _execute_chunked(self, message: messages.ExecuteChunked) -> None:
        pieces = self._pieces.pop(message.id, [])
        text = "".join(pieces)
        if len(pieces) != message.chunks or len(text.encode()) > self._max_context:
            why = f"{len(pieces)} pieces of {message.chunks}, {len(text)} characters"
            self._refuse(message.id, messages.INVALID_PARAMS, f"bad context: {why}")
            return
        try:
            context, end = codec.decode(text, 0)
        except ValueError as e:
            context, end = e, -1
        if end != len(text) or type(context) is not dict:
            self._refuse(message.id, messages.INVALID_PARAMS, "bad context: not a JSON object")
            return
        self._execute(message.id, context)

    def _execute(self, call_id: int, context: Dict[str, Any]) -> None:
        start = self._execute_async
        if start is None:
            self._execute_plain(call_id, context)
            return
        call.current_id.set(call_id)
        try:
            coro = start(context)
        except BaseException as e:  # A signature that doesn't fit.
            self._fail(call_id, plugin.Fault.of("plugin_error", e))
            return
        self._follow(call_id, self._loop.start(coro))

    def _follow(self, call_id: int, task: asyncio.Task[Any]) -> None:
        if task.done():
            self._finish(call_id, task)
        else:
            self._running[call_id] = task
            task.add_done_callback(functools.partial(self._finish, call_id))

    def _execute_plain(self, call_id: int, context: Dict[str, Any]) -> None:
        if self._plugin is None:
            self._refuse(call_id, messages.INVALID_PARAMS, "execute before initialize")
            return
        call.current_id.set(call_id)
        scope = contextvars.copy_context()
        future = self._threads.submit(scope.run, self._plugin.execute, context)
        self._running[call_id] = future
        future.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._finish_plain, call_id, done))

    def _finish_plain(self, call_id: int, future: Future[Any]) -> None:
        if not future.cancelled() and future.exception() is None:
            value = future.result()
            if inspect.iscoroutine(value):  # A plain function around an async one.
                call.current_id.set(call_id)
                self._follow(call_id, self._loop.create_task(value))
                return
        self._finish(call_id, future)

    def _finish(self, call_id: int, done: Union[asyncio.Task[Any], Future[Any]]) -> None:
        self._running.pop(call_id, None)
        if done.cancelled():
            if call_id in self._cancelled:
                fault = plugin.Fault("cancelled", "the call was cancelled")
            else:
                fault = plugin.Fault("plugin_error", "CancelledError: the call cancelled itself")
            self._cancelled.discard(call_id)
            self._fail(call_id, fault)
            return
        if self._cancelled:
            self._cancelled.discard(call_id)
        error = done.exception()
        if error is None:
            try:
                self._answer(call_id, done.result())
                return
            except BaseException as e:  # A value of the plugin's own class may raise anything when it is read.
                error = e
        self._fail(call_id, plugin.Fault.of("plugin_error", error))

    def _answer(self, call_id: int, value: Any) -> None:
        try:
            data = codec.encode(value)
        except codec.NotJson as e:
            message = f"execute returned what can't be sent as JSON: {e}"
            self._fail(call_id, plugin.Fault("plugin_bad_result", message))
            return
        if len(data) > self._max_result:
            message = f"execute returned {len(data)} bytes of JSON, the limit is {self._max_result}"
            self._fail(call_id, plugin.Fault("plugin_result_too_large", message))
            return
        said = dict.get(value, "success") if isinstance(value, dict) else True
        success = said if isinstance(said, bool) else True
        body = messages.executed(call_id, success, data)
        if len(body) > MAX_FRAME:
            pieces = messages.pieces(data)
            for piece in pieces:
                self._channel.send(messages.chunk(call_id, piece))
            body = messages.executed_chunked(call_id, success, len(pieces))
        self._channel.send(body)

    def _cancel(self, call_id: int) -> None:
        running = self._running.get(call_id)
        if running is not None:
            self._cancelled.add(call_id)
            running.cancel()
            # What ends at once is answered by then; what goes on tells that the loop does too.
            self._loop.call_soon(self._loop.call_soon, self._tell_cancelling, call_id)

    def _tell_cancelling(self, call_id: int) -> None:
        if call_id in self._running:
            self._channel.send(messages.cancelling(call_id))

    # -- the rest ----------------------------------------------------------------------------------------------

    def _control(self, coro: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coro)
        self._control_tasks.add(task)
        task.add_done_callback(self._control_tasks.discard)

    async def _invoke(self, method: Callable[[], Any]) -> Any:
        """Call a method of the plugin's, async or plain; raises Fault."""
        try:
            if inspect.iscoroutinefunction(method):
                return await method()
            value, error = await self._loop.run_in_executor(self._control_threads, _outcome, method)
            if error is None and inspect.isawaitable(value):
                return await value
        except BaseException as e:
            error = e
        if error is not None:
            name = getattr(method, "__name__", "the method")
            raise plugin.Fault.of("plugin_error", error, f"{name} raised ")
        return value

    async def _initialize(self, message: messages.Initialize) -> None:
        if self._begun:
            self._refuse(message.id, messages.INVALID_PARAMS, "initialize came twice")
            return
        self._begun = True
        self._max_context = message.max_context_bytes
        self._max_result = message.max_result_bytes
        try:
            loaded = await self._load(message)
        except plugin.Fault as fault:
            self._fail(message.id, fault)
            return
        self._plugin = loaded
        if inspect.iscoroutinefunction(loaded.execute):
            self._execute_async = loaded.execute
        has_health = callable(getattr(loaded, "health_check", None))
        self._channel.send(messages.initialized(message.id, ".".join(map(str, sys.version_info[:3])), has_health))

    async def _load(self, message: messages.Initialize) -> Any:
        plugin.set_path(message.paths)
        if _has_network():
            importlib.import_module("berth_runtime.egress").provide(EGRESS)
        sys.argv = [message.main]
        sys.dont_write_bytecode = True
        kind = plugin.load_class(message.paths[0], message.main, message.class_name)
        loaded = plugin.construct(kind, message.config)
        initialize = getattr(loaded, "initialize", None)
        if initialize is None:
            return loaded
        try:
            ready = await self._invoke(initialize)
        except plugin.Fault as fault:
            raise plugin.Fault("plugin_start_failed", fault.message, fault.raised) from None
        if ready is False:
            raise plugin.Fault("plugin_start_failed", "initialize returned False. Its log may say why.")
        return loaded

    async def _health(self, call_id: int) -> None:
        check = getattr(self._plugin, "health_check", None)
        try:
            value = codec.encode(await self._invoke(check)) if callable(check) else b"null"
        except plugin.Fault as fault:
            self._fail(call_id, fault)
        except codec.NotJson as e:
            message = f"health_check returned what can't be sent as JSON: {e}"
            self._fail(call_id, plugin.Fault("plugin_bad_result", message))
        else:
            self._channel.send(messages.answered(call_id, value))

    async def _shutdown(self, call_id: int) -> None:
        cleanup = getattr(self._plugin, "cleanup", None)
        try:
            if callable(cleanup):
                await self._invoke(cleanup)
        except plugin.Fault as fault:
            self._fail(call_id, fault)
        else:
            self._channel.send(messages.answered(call_id, b"null"))
        self._status = EXIT_SHUT_DOWN
        self._loop.stop()


def _has_network() -> bool:
    """Whether the host put its egress proxy's socket into this sandbox."""
    try:
        return stat.S_ISSOCK(os.stat(EGRESS).st_mode)
    except OSError:
        return False


def _outcome(method: Callable[[], Any]) -> Any:
    # Not raised through a future: those refuse StopIteration.
    try:
        return method(), None
    except BaseException as e:
        return None, e


def _end(why: str) -> NoReturn:
    """The channel is no more: nobody is left to answer, so nothing of the plugin's may go on."""
    try:
        os.write(2, f"berth worker: {why}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        pass  # Nobody reads that either.
    os._exit(EXIT_CHANNEL_LOST)
