"""The worker as a process: what a plugin can do and what its host is told of it."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import pytest
from worker_host import Start

BASIC = """
    class P:
        def __init__(self, config):
            self.config = config
        async def execute(self, context):
            return {"context": context, "config": self.config}
    """


def test_answers(fresh: Start) -> None:
    host = fresh(BASIC)
    version = ".".join(map(str, sys.version_info[:3]))
    answer = host.initialize(key="geheim")
    assert answer["result"] == {"protocol": 1, "python": version, "health": False}
    assert host.value(host.execute(a=1, b="ä")) == {
        "context": {"a": 1, "b": "ä"},
        "config": {"key": "geheim"},
    }
    assert host.value(host.request("health")) is None
    assert host.shutdown() == 0
    with pytest.raises(EOFError):
        host.receive()


def test_many_at_once_and_out_of_order(start: Start) -> None:
    host = start(
        """
        import asyncio
        class P:
            def __init__(self, config): self.gate = asyncio.Event()
            async def execute(self, context):
                if context["n"] == 99:
                    self.gate.set()
                await self.gate.wait()
                return context["n"]
        """
    )
    ids = [host.execute(n=n) for n in range(100)]
    assert [host.value(i) for i in ids] == list(range(100))


def test_plain_functions_run_in_threads(start: Start) -> None:
    host = start(
        """
        import threading
        class P:
            def __init__(self, config): self.barrier = threading.Barrier(8)
            def initialize(self): return True
            def execute(self, context):
                assert threading.current_thread() is not threading.main_thread()
                self.barrier.wait(20)
                if context["n"] == 3:
                    raise StopIteration("x")
                return context["n"]
            def health_check(self): return {"status": "healthy"}
            def cleanup(self): print("clean")
        """
    )
    ids = [host.execute(n=n) for n in range(8)]
    assert host.error(ids.pop(3))["message"] == "StopIteration: x"
    assert [host.value(i) for i in ids] == [0, 1, 2, 4, 5, 6, 7]
    assert host.value(host.request("health")) == {"status": "healthy"}
    host.answer(host.request("shutdown"))
    host.log(lambda r: bool(r["message"] == "clean"))
    assert host.process.wait(10) == 0


def test_health_answers_while_every_thread_is_busy(start: Start) -> None:
    host = start(
        """
        import threading
        class P:
            def __init__(self, config): self.gate = threading.Event()
            def execute(self, context): self.gate.wait(); return 1
            def health_check(self): return "fine"
            def cleanup(self): self.gate.set()
        """
    )
    calls = [host.execute() for _ in range(40)]
    assert host.value(host.request("health")) == "fine"
    assert host.shutdown() == 0
    assert calls


def test_a_plain_function_around_an_async_one(start: Start) -> None:
    host = start(
        """
        import asyncio, berth
        class P:
            def __init__(self, config): pass
            def execute(self, context): return self.later(context)
            async def later(self, context):
                await asyncio.sleep(0)
                await berth.progress(0.5)
                return "later"
        """
    )
    assert host.value(host.execute()) == "later"
    assert [n["params"]["fraction"] for n in host.notes] == [0.5]


def test_cancel(start: Start) -> None:
    host = start(
        """
        import asyncio
        class P:
            def __init__(self, config): pass
            async def execute(self, context):
                do = context["do"]
                if do == "self":
                    raise asyncio.CancelledError
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    if do == "answer":
                        return "anyway"
                    raise
        """
    )
    stopped, answering, own = host.execute(do="stop"), host.execute(do="answer"), host.execute(do="self")
    host.send({"method": "cancel", "params": {"id": stopped}})
    host.send({"method": "cancel", "params": {"id": answering}})
    host.send({"method": "cancel", "params": {"id": 12345}})
    assert host.error(stopped)["data"]["kind"] == "cancelled"
    assert host.value(answering) == "anyway"
    assert host.error(own)["data"]["kind"] == "plugin_error"


def test_a_cancelled_call_that_goes_on_says_so(start: Start) -> None:
    host = start(
        """
        import asyncio
        class P:
            def __init__(self, config): self.gate = asyncio.Event()
            async def execute(self, context):
                if context["do"] == "open":
                    self.gate.set()
                    return
                try:
                    await asyncio.sleep(60)
                finally:
                    if context["do"] == "tidy":
                        await self.gate.wait()
        """
    )
    prompt, tidy = host.execute(do="stop"), host.execute(do="tidy")
    host.send({"method": "cancel", "params": {"id": prompt}})
    assert host.error(prompt)["data"]["kind"] == "cancelled"
    host.send({"method": "cancel", "params": {"id": tidy}})
    assert host.note() == {"jsonrpc": "2.0", "method": "cancelling", "params": {"id": tidy}}
    host.execute(do="open")
    assert host.error(tidy)["data"]["kind"] == "cancelled"
    assert len(host.notes) == 1


def test_a_cancelled_plain_call_is_answered_when_it_ends(start: Start) -> None:
    host = start(
        """
        import threading
        gate = threading.Event()
        class P:
            def __init__(self, config): pass
            def execute(self, context):
                if context["do"] == "open":
                    gate.set()
                gate.wait()
                return "done"
        """
    )
    waiting = [host.execute(do="wait") for _ in range(15)]
    host.send({"method": "cancel", "params": {"id": waiting[0]}})
    host.execute(do="open")
    assert host.answer(waiting[1])["result"]["value"] == "done"
    answer = host.answer(waiting[0])
    assert "result" in answer or answer["error"]["data"]["kind"] == "cancelled"


def test_progress_and_partial(start: Start) -> None:
    host = start(
        """
        import asyncio, berth, threading
        class P:
            def __init__(self, config): assert not berth.in_call()
            async def execute(self, context):
                assert berth.in_call()
                await berth.progress(0.25, "x" * 5000)
                await asyncio.create_task(self.inner())
                await asyncio.to_thread(berth.partial, {"thread": True})
                bad = []
                for call in (lambda: berth.progress(2), lambda: berth.progress("1"), lambda: berth.progress(True),
                             lambda: berth.progress(0, None), lambda: berth.progress(float("nan")),
                             lambda: berth.partial(object()), lambda: berth.partial("x" * 2_000_000)):
                    try:
                        call()
                    except (TypeError, ValueError) as e:
                        bad.append(type(e).__name__)
                for _ in range(1000):
                    await berth.partial("y" * 10_000)
                return bad
            async def inner(self):
                await berth.progress(None, "inner")
        """
    )
    call = host.execute()
    assert host.value(call) == ["ValueError", *["TypeError"] * 3, "ValueError", "ValueError", "ValueError"]
    assert host.notes[0]["params"] == {"id": call, "fraction": 0.25, "message": "x" * 1000}
    assert host.notes[1]["params"] == {"id": call, "fraction": None, "message": "inner"}
    assert host.notes[2] == {
        "jsonrpc": "2.0",
        "method": "partial",
        "params": {"id": call, "value": {"thread": True}},
    }
    assert len(host.notes) == 1003


def test_awaiting_a_partial_bounds_memory(start: Start) -> None:
    """A call that awaits its partials goes no faster than the host takes them."""
    host = start(
        """
        import resource, berth
        class P:
            def __init__(self, config): pass
            async def execute(self, context):
                for _ in range(context["parts"]):
                    await berth.partial("y" * 100_000)
                return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        """
    )
    before = host.value(host.execute(parts=1))
    after = host.value(host.execute(parts=600))
    assert len(host.notes) == 601
    assert after - before < 20_000  # KiB, of 60,000 sent


def test_chunks_both_ways(fresh: Start) -> None:
    host = fresh(BASIC)
    host.initialize(max_bytes=8 << 20)
    context = {"text": 'ä"\\\n🎲' * 500_000}
    text = json.dumps(context, ensure_ascii=False)
    pieces = [text[i : i + 60_000] for i in range(0, len(text), 60_000)]
    call_id = 2
    for piece in pieces:
        host.send({"method": "chunk", "params": {"id": call_id, "data": piece}})
    assert host.request("execute", {"chunks": len(pieces)}) == call_id
    answer = host.answer(call_id)
    chunks = [n["params"] for n in host.notes if n["method"] == "chunk"]
    assert answer["result"] == {"success": True, "chunks": len(chunks)}
    assert all(len(c["data"].encode()) <= 262_144 for c in chunks)
    assert json.loads("".join(c["data"] for c in chunks)) == {"context": context, "config": {}}


def test_bad_chunks_fail_their_call(start: Start) -> None:
    host = start(BASIC)
    for pieces, announced in (([], 1), (["{"], 1), (["[]"], 1), (["{}"], 2), (['"' + "x" * 600_000] * 2, 2)):
        call_id = host._next
        for piece in pieces:
            host.send({"method": "chunk", "params": {"id": call_id, "data": piece}})
        assert host.error(host.request("execute", {"chunks": announced}))["code"] == -32602
    assert host.value(host.execute())["context"] == {}


def test_requests_it_cannot_serve(fresh: Start) -> None:
    host = fresh(BASIC)
    assert host.error(host.execute())["message"] == "execute before initialize"
    assert host.error(host.request("sing", {}))["code"] == -32601
    assert host.error(host.request("execute", {"context": 1}))["code"] == -32602
    assert host.error(host.request("initialize", {"protocol": 2}))["code"] == -32602
    assert "result" in host.initialize()
    assert host.initialize()["error"]["message"] == "initialize came twice"
    assert host.error(host.request("execute", {"context": []}))["code"] == -32602


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x00\x00\x00",
        b"\xff\xff\xff\xff",
        b"\x00\x10\x00\x01",
        b"\x00\x00\x00\x01x",
        b"\x00\x00\x00\x02[]",
        b"\x00\x00\x00\x02\xff\xff",
        b'\x00\x00\x00\x11{"jsonrpc":"2.0"}',
    ],
)
def test_a_host_that_breaks_the_protocol_ends_the_worker(start: Start, raw: bytes) -> None:
    host = start(BASIC)
    host.send_raw(raw)
    assert host.process.wait(10) == 1


def test_the_end_of_the_channel_ends_the_worker(start: Start) -> None:
    host = start(
        """
        import threading, time
        class P:
            def __init__(self, config):
                threading.Thread(target=time.sleep, args=(600,)).start()
            async def execute(self, context): pass
        """
    )
    host.socket.close()
    assert host.process.wait(10) == 1


def test_exit_and_interrupt_do_not_end_the_worker(start: Start) -> None:
    host = start(
        """
        import asyncio, sys
        class P:
            def __init__(self, config): pass
            async def execute(self, context):
                if "later" in context:
                    await asyncio.sleep(0)
                if "stop" in context:
                    asyncio.get_running_loop().stop()
                    return "stopped"
                if "interrupt" in context:
                    raise KeyboardInterrupt
                sys.exit(4)
        """
    )
    assert host.error(host.execute())["message"] == "SystemExit: 4"
    assert host.error(host.execute(later=1))["message"] == "SystemExit: 4"
    assert host.error(host.execute(interrupt=1))["message"] == "KeyboardInterrupt"
    assert host.error(host.execute(interrupt=1, later=1))["message"] == "KeyboardInterrupt"
    assert host.value(host.execute(stop=1)) == "stopped"
    assert host.error(host.execute())["message"] == "SystemExit: 4"


def test_errors_have_the_plugins_own_frames(start: Start) -> None:
    host = start(
        """
        class Odd(Exception):
            def __str__(self): raise RuntimeError
        class P:
            def __init__(self, config): pass
            async def execute(self, context):
                if context.get("odd"):
                    raise Odd()
                if context.get("half"):
                    raise ValueError("\\ud800")
                try:
                    {}["x"]
                except KeyError as e:
                    raise ValueError("no") from e
            def two(self): pass
        """
    )
    error = host.error(host.execute())
    assert error["code"] == -32000
    assert error["message"] == "ValueError: no"
    trace = error["data"]["traceback"]
    assert trace.startswith("Traceback (most recent call last):\n")
    assert "KeyError: 'x'" in trace
    assert "berth_runtime" not in trace
    assert host.error(host.execute(odd=1))["message"] == "Odd: (its __str__ failed)"
    assert host.error(host.execute(half=1))["message"] == "ValueError: \\ud800"


def test_errors_say_where_in_the_package_they_were(start: Start) -> None:
    host = start(
        """
        import sys
        from json import loads
        class P:
            def __init__(self, config): pass
            async def execute(self, context):
                return getattr(self, context["do"])(context.get("n", 0))
            def read(self, n): return loads("{" + str(n))
            def deep(self, n): return self.deep(n + 1) + 1
            def compiled(self, n): exec("def f(:")
            def odd(self, n):
                class Odd(SyntaxError):
                    filename = property(lambda self: sys.exit())
                raise Odd
        """
    )

    def frames(**context: Any) -> Any:
        return host.error(host.execute(**context))["data"]["frames"]

    assert frames(do="read", n=1) == frames(do="read", n=2) == ["main.py:7 execute", "main.py:8 read"]
    assert frames(do="deep") == frames(do="deep", n=300) == ["main.py:7 execute", "main.py:9 deep"]
    assert frames(do="compiled") == ["main.py:7 execute", "main.py:10 compiled"]
    assert frames(do="odd") == ["main.py:7 execute", "main.py:14 odd"]
    assert host.error(host.execute(do="deep"))["data"]["exception"] == "RecursionError"


def test_what_leaves_the_loop_where_it_is_read_is_answered(start: Start) -> None:
    host = start(
        """
        class Mute(Exception):
            def __str__(self): raise SystemExit(4)
        class Sly(str):
            def __format__(self, spec): raise KeyboardInterrupt
        class Formatted(Exception):
            def __str__(self): return Sly("sly")
        class Wild(dict):
            def items(self): raise SystemExit(3)
            def get(self, *_): raise KeyboardInterrupt
        class Same:
            def __hash__(self): return hash("success")
            def __eq__(self, other): raise SystemExit(5)
        class P:
            def __init__(self, config): pass
            async def execute(self, context):
                do = context["do"]
                if do == "mute": raise Mute
                if do == "formatted": raise Formatted
                if do == "wild": return Wild(a=1)
                if do == "same": return {Same(): 1}
                return "fine"
        """
    )
    assert host.error(host.execute(do="mute"))["message"] == "Mute: (its __str__ failed)"
    assert host.error(host.execute(do="formatted"))["message"] == "Formatted: sly"
    assert host.error(host.execute(do="wild"))["data"]["kind"] in ("plugin_bad_result", "plugin_error")
    assert host.error(host.execute(do="same"))["data"]["kind"] in ("plugin_bad_result", "plugin_error")
    assert host.value(host.execute(do="nothing")) == "fine"


def test_sys_path_and_modules(fresh: Start, tmp_path: Any) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "dep.py").write_text("name = 'dep'")
    (site / "json.py").write_text("raise RuntimeError('a dependency replaced a standard module')")
    host = fresh(
        """
        import sys, dep, sibling, json, berth
        class P:
            def __init__(self, config): pass
            async def execute(self, context):
                assert sys.modules["main"].P is P
                return [sys.path[0], sys.path[-1], len(sys.path), dep.name, sibling.name, sys.argv]
        """,
        (str(site),),
    )
    (host.folder / "sibling.py").write_text("name = 'sibling'")
    assert "result" in host.initialize()
    first, last, count, dep, sibling, argv = host.value(host.execute())
    assert (first, last) == (str(host.folder), str(site))
    assert count <= 5
    assert (dep, sibling, argv) == ("dep", "sibling", ["main.py"])
    assert not list(host.folder.rglob("*.pyc"))


def test_a_module_named_like_a_standard_one(fresh: Start) -> None:
    host = fresh(BASIC)
    (host.folder / "logging.py").write_text((host.folder / "main.py").read_text() + "\nNAME = __name__\n")
    call = host.request(
        "initialize",
        {
            "protocol": 1,
            "plugin": {"id": "p", "name": "t", "version": "1.0.0"},
            "entry": {"main": "logging.py", "class": "P"},
            "paths": host.paths,
            "limits": {"max_context_bytes": 1000, "max_result_bytes": 1000},
            "config": {},
        },
    )
    assert "result" in host.answer(call)
    assert host.value(host.execute())["context"] == {}


def test_a_syntax_error_in_an_imported_file(fresh: Start) -> None:
    host = fresh("import broken\nclass P: pass")
    (host.folder / "broken.py").write_text("def f(:\n")
    error = host.initialize()["error"]
    assert error["data"]["kind"] == "plugin_syntax_error"
    assert "broken.py, line 1" in error["message"]
    assert "in <module>\n    import broken" in error["data"]["traceback"]
    assert error["data"]["exception"] == "SyntaxError"
    assert error["data"]["frames"] == ["main.py:1 <module>", "broken.py:1 <module>"]


def test_a_crash_is_a_crash(start: Start) -> None:
    host = start(
        """
        import os, signal
        class P:
            def __init__(self, config): pass
            async def execute(self, context): os.kill(os.getpid(), signal.SIGSEGV)
        """
    )
    host.execute()
    assert host.process.wait(10) == -signal.SIGSEGV
    with pytest.raises(EOFError):
        host.receive()


def test_a_failing_cleanup_is_told_and_ends_all_the_same(start: Start) -> None:
    host = start(
        """
        class P:
            def __init__(self, config): pass
            async def execute(self, context): pass
            async def cleanup(self): raise OSError("disk")
        """
    )
    call = host.request("shutdown")
    assert host.error(call)["message"] == "cleanup raised OSError: disk"
    assert host.process.wait(10) == 0


def test_health_that_fails(start: Start) -> None:
    host = start(
        """
        class P:
            n = 0
            def __init__(self, config): pass
            async def execute(self, context): pass
            def health_check(self):
                P.n += 1
                if P.n == 1:
                    raise RuntimeError("ill")
                return object() if P.n == 2 else None
        """
    )
    assert host.error(host.request("health"))["message"] == "health_check raised RuntimeError: ill"
    assert host.error(host.request("health"))["data"]["kind"] == "plugin_bad_result"
    assert host.value(host.request("health")) is None


def test_aiohttp_inside_execute(fresh: Start) -> None:
    aiohttp = pytest.importorskip("aiohttp")
    site = os.path.dirname(os.path.dirname(aiohttp.__file__))
    host = fresh(
        """
        import aiohttp
        from aiohttp import web
        class P:
            def __init__(self, config): pass
            async def initialize(self):
                async def echo(request):
                    return web.json_response({"result": (await request.json())["text"].upper()})
                app = web.Application()
                app.router.add_post("/", echo)
                runner = web.AppRunner(app)
                await runner.setup()
                site = web.TCPSite(runner, "127.0.0.1", 0)
                await site.start()
                self.port = site._server.sockets[0].getsockname()[1]
            async def execute(self, context):
                timeout = aiohttp.ClientTimeout(total=20)
                async with aiohttp.ClientSession(timeout=timeout) as session:
                    url = f"http://127.0.0.1:{self.port}/"
                    async with session.post(url, json={"text": context["message"]}) as response:
                        return (await response.json())["result"]
        """,
        (site,),
    )
    answer = host.initialize()
    assert "result" in answer, answer
    assert [host.value(i) for i in [host.execute(message="hi") for _ in range(5)]] == ["HI"] * 5
