"""Prints and logging become records; a flood is dropped, not stored."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any, Dict, List

import pytest
from berth_runtime import logs, messages
from worker_host import Start


def drain(buffer: logs.LogBuffer) -> List[Dict[str, Any]]:
    out: List[Dict[str, Any]] = []
    while True:
        batch = buffer.take()
        if batch is None:
            return out
        assert len(batch) < messages.MAX_FRAME
        params = json.loads(batch)["params"]
        assert len(params["records"]) <= 1000
        out.append(params)


def lines(buffer: logs.LogBuffer) -> List[str]:
    return [r["message"] for params in drain(buffer) for r in params["records"]]


@pytest.fixture
def buffer() -> logs.LogBuffer:
    return logs.LogBuffer(lambda: None)


def test_lines(buffer: logs.LogBuffer) -> None:
    out = logs.LineStream(buffer, "stdout", "INFO")
    print("one", file=out)
    print("two", "three", sep="\n", end="", file=out)
    assert lines(buffer) == ["one", "two"]
    print(" more\r", file=out)
    out.buffer.write(b"bytes \xff\n")
    out.finish_all()
    assert lines(buffer) == ["three more", "bytes \\xff"]
    with pytest.raises(TypeError):
        out.write(b"x")  # type: ignore[arg-type]
    with pytest.raises(OSError, match="fileno"):
        out.fileno()


def test_a_line_without_an_end_is_cut(buffer: logs.LogBuffer) -> None:
    out = logs.LineStream(buffer, "stdout", "INFO")
    for _ in range(1000):
        out.write("x" * 10_000)
    out.write("\nnext\n")
    cut, after = lines(buffer)
    assert cut == "x" * logs.MAX_LINE + f" ... [{10_000_000 - logs.MAX_LINE} more characters]"
    assert after == "next"


def test_threads_do_not_mix(buffer: logs.LogBuffer) -> None:
    out = logs.LineStream(buffer, "stdout", "INFO")
    barrier = threading.Barrier(4)

    def write(name: str) -> None:
        barrier.wait()
        for _ in range(100):
            for letter in name:
                out.write(letter)
            out.write("\n")

    threads = [threading.Thread(target=write, args=(n * 3,)) for n in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lines(buffer)) == sorted(n * 3 for n in "abcd" for _ in range(100))


def test_a_flood_is_bounded_and_counted(buffer: logs.LogBuffer) -> None:
    for i in range(100_000):
        buffer.add("INFO", "stdout", "", f"line {i}")
    batches = drain(buffer)
    kept = sum(len(b["records"]) for b in batches)
    assert kept == logs.MAX_RECORDS
    assert kept + sum(b["dropped"] for b in batches) == 100_000
    for _ in range(100):
        buffer.add("INFO", "stdout", "", "\x00" * 20_000)
    assert sum(len(b["records"]) for b in drain(buffer)) <= logs.MAX_BYTES // logs.MAX_MESSAGE
    buffer.add("INFO", "stdout", "", "after")
    assert lines(buffer) == ["after"]


def test_logging(buffer: logs.LogBuffer) -> None:
    handler = logs.RootHandler(buffer)
    logger = logging.Logger("plugin.part")
    logger.addHandler(handler)
    logger.log(25, "number %d", 1)
    logger.warning("half \ud800")
    try:
        raise ValueError("boo")
    except ValueError:
        logger.exception("failed")
    logger.info("%d", "no number")
    first, half, failed, bad = (r for params in drain(buffer) for r in params["records"])
    assert (first["level"], first["logger"], first["message"]) == ("INFO", "plugin.part", "number 1")
    assert first["source"] == "logging"
    assert abs(first["time"] - failed["time"]) < 60_000
    assert (half["level"], half["message"]) == ("WARNING", "half \\ud800")
    assert failed["message"].startswith("failed\nTraceback (most recent call last):\n")
    assert failed["message"].endswith("ValueError: boo")
    assert bad["level"] == "ERROR"
    assert bad["message"].startswith("bad log call: ")


def test_what_a_plugin_says_reaches_the_host(start: Start) -> None:
    host = start(
        """
        import asyncio, logging, sys, threading, warnings
        print("at import")
        class P:
            def __init__(self, config): logging.getLogger("mine").info("in init")
            async def execute(self, context):
                print("out"); print("err", file=sys.stderr)
                thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()
                asyncio.get_running_loop().call_soon(lambda: {}["lost"])
                asyncio.ensure_future(self.background())
                logging.getLogger().debug("not shown")
                sys.stdout.write("unfinished")
            async def background(self): raise ValueError("in the background")
        """
    )
    host.value(host.execute())
    host.answer(host.request("shutdown"))
    host.process.wait(10)
    with pytest.raises(EOFError):
        host.log(lambda r: False)
    said = [(r["level"], r["source"], r["logger"], r["message"].split("\n")[0]) for r in host.logs]
    assert ("INFO", "stdout", "", "at import") in said
    assert ("INFO", "logging", "mine", "in init") in said
    assert ("INFO", "stdout", "", "out") in said
    assert ("WARNING", "stderr", "", "err") in said
    assert ("WARNING", "stderr", "", "ZeroDivisionError: division by zero") in said
    assert any(s[2] == "asyncio" and s[3].startswith("Exception in callback") for s in said)
    assert ("INFO", "stdout", "", "unfinished") in said
    assert not any(s[3] == "not shown" for s in said)


def test_run07_stdout_flood(start: Start) -> None:
    """A plugin that prints without end still answers, and what is left out is counted."""
    host = start(
        """
        import asyncio, threading
        class P:
            def __init__(self, config): pass
            async def initialize(self):
                threading.Thread(target=self.flood, daemon=True).start()
            def flood(self):
                while True:
                    print("flood " * 10)
            async def execute(self, context):
                if context.get("line"):
                    print("z" * 50_000_000)
                import resource
                return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        """
    )
    before = host.value(host.execute())
    for _ in range(20):
        after = host.value(host.execute())
    assert after - before < 20_000  # KiB
    host.value(host.execute(line=True))
    while host.dropped == 0:
        host._take(host.receive())
    assert all(len(r["message"]) <= logs.MAX_MESSAGE + 50 for r in host.logs)


def test_a_host_that_does_not_read_logs(start: Start) -> None:
    """Log records wait in their bounded buffer; answers come as soon as there is room."""
    host = start(
        """
        class P:
            def __init__(self, config): pass
            async def execute(self, context):
                for i in range(300_000):
                    print("line", i)
                return "done"
        """
    )
    assert host.value(host.execute()) == "done"
    host.logs.clear()
    assert host.value(host.execute()) == "done"


def test_levels() -> None:
    numbers = (0, 10, 19, 20, 30, 39, 40, 50, 60)
    assert [logs.level_name(n) for n in numbers] == [
        "DEBUG",
        "DEBUG",
        "DEBUG",
        "INFO",
        "WARNING",
        "WARNING",
        "ERROR",
        "CRITICAL",
        "CRITICAL",
    ]
