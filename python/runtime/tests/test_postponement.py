"""The host's second compiler, and when it waits."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator

import pytest
from berth_runtime import linux
from berth_runtime.postponement import Postponement


class Clock:
    """Stands still unless it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def compiler() -> Iterator[int]:
    """A thread of this process, by its id, that has the name of HotSpot's."""
    named, over, found = threading.Event(), threading.Event(), []

    def wait() -> None:
        name = ctypes.create_string_buffer(b"C2 CompilerThread0"[:15])
        linux.prctl(linux.PR_SET_NAME, ctypes.addressof(name))
        found.append(threading.get_native_id())
        named.set()
        over.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    named.wait()
    yield found[0]
    over.set()
    thread.join()


def nice(thread: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, thread)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a thread its priority back")
def test_the_compiler_waits_until_no_plugin_has_started_for_a_while(compiler: int) -> None:
    usual, clock = nice(os.getpid()), Clock()
    one = Postponement(os.getpid(), clock)
    assert (nice(compiler), nice(os.getpid())) == (19, usual)
    for _ in range(10):
        clock.now += 0.29
        one.look()
        one.started()
    assert nice(compiler) == 19
    assert one.next() == pytest.approx(0.3)
    clock.now += 0.31
    one.look()
    assert nice(compiler) == usual
    assert one.next() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a thread its priority back")
def test_it_does_not_wait_for_ever(compiler: int) -> None:
    usual, clock = nice(os.getpid()), Clock()
    one = Postponement(os.getpid(), clock)
    for _ in range(100):
        clock.now += 0.25
        one.started()
        one.look()
    assert nice(compiler) == usual
