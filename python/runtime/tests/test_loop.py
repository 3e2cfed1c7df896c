"""A first step taken at once must be an asyncio task in every respect."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import sys
import threading
from typing import Any, Callable, Coroutine, Dict, List, Tuple

import pytest
from berth_runtime.loop import EagerLoop

VAR: contextvars.ContextVar[str] = contextvars.ContextVar("var", default="unset")


def eager(coro: Callable[[], Coroutine[Any, Any, Any]]) -> asyncio.Task[Any]:
    """Starts ``coro`` from a plain callback of a running loop, as the worker does, and runs it to its end."""
    loop = EagerLoop(lambda: None)
    started: List[asyncio.Task[Any]] = []

    def start() -> None:
        task = loop.start(coro())
        started.append(task)
        if task.done():
            loop.stop()
        else:
            task.add_done_callback(lambda _done: loop.stop())

    asyncio.set_event_loop(loop)
    try:
        loop.call_soon(start)
        loop.run_forever()
        return started[0]
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


def test_done_at_once() -> None:
    loop = EagerLoop(lambda: None)
    done: List[bool] = []

    async def call() -> int:
        return 42

    def start() -> None:
        task = loop.start(call())
        done.append(task.done())
        assert task.result() == 42
        assert asyncio.all_tasks(loop) == set()
        loop.stop()

    loop.call_soon(start)
    loop.run_forever()
    loop.close()
    assert done == [True]


def test_current_task() -> None:
    async def call() -> None:
        task = asyncio.current_task()
        assert task is not None
        assert task in asyncio.all_tasks()
        await asyncio.sleep(0)
        assert asyncio.current_task() is task

    eager(call).result()


def test_exception() -> None:
    async def call() -> None:
        raise KeyError("x")

    assert isinstance(eager(call).exception(), KeyError)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_exit_stays_in_the_task(kind: Callable[[], BaseException]) -> None:
    async def call() -> None:
        raise kind()

    assert isinstance(eager(call).exception(), (SystemExit, KeyboardInterrupt))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout came with Python 3.11")
def test_timeout() -> None:
    async def call() -> str:
        timeout: Any = getattr(asyncio, "timeout")  # noqa: B009 - not in the oldest Python
        try:
            async with timeout(0.01):
                await asyncio.sleep(60)
        except asyncio.TimeoutError:
            return "timed out"
        return "slept"

    assert eager(call).result() == "timed out"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="TaskGroup came with Python 3.11")
def test_task_group() -> None:
    async def call() -> List[int]:
        group_type: Any = getattr(asyncio, "TaskGroup")  # noqa: B009 - not in the oldest Python

        async def one(n: int) -> int:
            await asyncio.sleep(0)
            return n

        async with group_type() as group:
            tasks = [group.create_task(one(n)) for n in range(3)]
        return [t.result() for t in tasks]

    assert eager(call).result() == [0, 1, 2]


def test_wait_for_and_gather() -> None:
    async def call() -> List[int]:
        async def one(n: int) -> int:
            await asyncio.sleep(0.001)
            return n

        return list(await asyncio.wait_for(asyncio.gather(one(1), one(2)), 10))

    assert eager(call).result() == [1, 2]


def test_wait_for_times_out() -> None:
    async def call() -> None:
        await asyncio.wait_for(asyncio.sleep(60), 0.01)

    assert isinstance(eager(call).exception(), asyncio.TimeoutError)


def test_to_thread() -> None:
    async def call() -> str:
        VAR.set("seen in the thread")
        return await asyncio.to_thread(VAR.get)

    assert eager(call).result() == "seen in the thread"


def test_streams() -> None:
    async def call() -> bytes:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.readline()).upper())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello\n")
        await writer.drain()
        answer = await reader.read()
        writer.close()
        server.close()
        await server.wait_closed()
        return answer

    assert eager(call).result() == b"HELLO\n"


def test_subprocess() -> None:
    async def call() -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print('hi')", stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        return out

    assert eager(call).result() == b"hi\n"


def test_context_is_the_tasks_own() -> None:
    loop = EagerLoop(lambda: None)
    seen: List[str] = []

    async def call(name: str) -> None:
        seen.append(VAR.get())
        VAR.set(name)
        await asyncio.sleep(0)
        seen.append(VAR.get())

    def start() -> None:
        VAR.set("caller's")
        tasks = [loop.start(call("a")), loop.start(call("b"))]
        assert VAR.get() == "caller's"
        asyncio.gather(*tasks).add_done_callback(lambda _done: loop.stop())

    loop.call_soon(start)
    loop.run_forever()
    loop.close()
    assert seen == ["caller's", "caller's", "a", "b"]


def test_cancellation() -> None:
    loop = EagerLoop(lambda: None)
    seen: List[str] = []

    async def call() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    def start() -> None:
        task = loop.start(call())
        task.cancel()

        def ended(done: asyncio.Task[None]) -> None:
            seen.append(str(done.cancelled()))
            loop.stop()

        task.add_done_callback(ended)

    loop.call_soon(start)
    loop.run_forever()
    loop.close()
    assert seen == ["cancelled", "True"]


def test_a_task_started_inside_the_first_step_waits_its_turn() -> None:
    seen: List[str] = []

    async def inner() -> None:
        seen.append("inner")

    async def call() -> None:
        task = asyncio.ensure_future(inner())
        seen.append("outer")
        await task

    eager(call).result()
    assert seen == ["outer", "inner"]


def test_before_wait_is_called_before_each_wait() -> None:
    seen: List[str] = []
    loop = EagerLoop(lambda: seen.append("before"))

    async def call() -> None:
        seen.append("step")
        await asyncio.sleep(0.01)
        seen.append("step")

    loop.run_until_complete(call())
    loop.close()
    assert seen[0] == "before"
    assert seen.count("step") == 2
    assert "before" in seen[seen.index("step") + 1 :]


def served(on_readable: Callable[[EagerLoop, socket.socket], None]) -> Tuple[EagerLoop, socket.socket]:
    """A loop that serves one end of a socket pair, and the other end."""
    loop = EagerLoop(lambda: None)
    near, far = socket.socketpair()
    near.setblocking(False)
    loop.serve(near.fileno(), lambda: on_readable(loop, near))
    return loop, far


def test_a_channel_is_served_while_the_loop_waits() -> None:
    seen: List[bytes] = []

    def on_readable(loop: EagerLoop, near: socket.socket) -> None:
        seen.append(near.recv(10))
        if len(seen) == 3:
            loop.stop()
        else:
            far.send(b"next")

    loop, far = served(on_readable)
    far.send(b"first")
    loop.run_forever()
    loop.close()
    assert seen == [b"first", b"next", b"next"]


@pytest.mark.parametrize("how", ["soon", "later", "timer", "thread", "descriptor", "task"])
def test_what_the_channel_brings_about_ends_the_wait(how: str) -> None:
    pair = socket.socketpair()

    def on_readable(loop: EagerLoop, near: socket.socket) -> None:
        near.recv(10)
        if how == "soon":
            loop.call_soon(loop.stop)
        elif how == "later":
            loop.call_later(0.0001, loop.stop)
        elif how == "timer":
            loop.call_at(loop.time() + 0.01, loop.stop)
        elif how == "thread":
            threading.Thread(target=loop.call_soon_threadsafe, args=(loop.stop,)).start()
        elif how == "descriptor":
            loop.add_reader(pair[0], loop.stop)
            pair[1].send(b"x")
        else:

            async def call() -> None:
                await asyncio.sleep(0)
                loop.stop()

            loop.start(call())

    loop, far = served(on_readable)
    far.send(b"x")
    loop.run_forever()
    loop.close()


def test_the_channel_is_served_beside_a_timer_and_other_descriptors() -> None:
    seen: List[str] = []
    pair = socket.socketpair()

    def on_readable(_: EagerLoop, near: socket.socket) -> None:
        near.recv(10)
        seen.append("channel")
        pair[1].send(b"x")

    def on_other() -> None:
        pair[0].recv(10)
        seen.append("other")
        if seen.count("other") < 3:
            far.send(b"x")
        else:
            loop.stop()

    loop, far = served(on_readable)
    loop.add_reader(pair[0], on_other)
    loop.call_later(60, loop.stop)
    far.send(b"x")
    loop.run_forever()
    loop.close()
    assert seen == ["channel", "other"] * 3


def test_what_serving_the_channel_raises_goes_to_the_exception_handler() -> None:
    told: List[Any] = []

    def on_readable(loop: EagerLoop, near: socket.socket) -> None:
        if near.recv(10) == b"bad":
            raise ValueError("a bad frame")
        loop.stop()

    def on_exception(_: asyncio.AbstractEventLoop, context: Dict[str, Any]) -> None:
        told.append(context["exception"])
        far.send(b"good")

    loop, far = served(on_readable)
    loop.set_exception_handler(on_exception)
    far.send(b"bad")
    loop.run_forever()
    loop.close()
    assert [str(e) for e in told] == ["a bad frame"]
