"""The init of a sandbox, as the program in memory and as the loop in Python, in a pid namespace of its own."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

import pytest
from berth_runtime import init, linux

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="making a pid namespace takes root")


def live(program: int, worker: Callable[[], None]) -> tuple[int, bytes]:
    """Runs an init with this worker; the init's wait status and what it wrote."""
    read, write = os.pipe()
    pid = linux.fork_into_pid_namespace()
    if pid == 0:
        os.close(read)
        if os.fork() == 0:
            try:
                worker()
            finally:
                os._exit(99)
        init.become(program, write)
    os.close(write)
    with os.fdopen(read, "rb") as f:
        word = f.read()
    return os.waitpid(pid, 0)[1], word


def orphan_then_exit() -> None:
    read, write = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(3)  # the init's to reap, and not to be taken for the worker
        os._exit(0)
    os.wait()
    os.close(write)
    os.read(read, 1)
    os._exit(7)


@pytest.fixture(params=["program", "loop"])
def program(request: pytest.FixtureRequest) -> int:
    if request.param == "loop":
        return -1
    fd = init.prepare(linux.MACHINE)
    if fd < 0:
        pytest.skip(f"there is no program for {linux.MACHINE}")
    return fd


def test_it_tells_the_workers_exit_status(program: int) -> None:
    status, word = live(program, orphan_then_exit)
    assert status == 0
    assert os.WEXITSTATUS(struct.unpack("i", word)[0]) == 7


def test_it_tells_the_workers_signal(program: int) -> None:
    status, word = live(program, lambda: os.kill(os.getpid(), 9))
    assert status == 0
    assert os.WTERMSIG(struct.unpack("i", word)[0]) == 9


def test_its_death_is_the_namespaces(program: int) -> None:
    read, write = os.pipe()
    pid = linux.fork_into_pid_namespace()
    if pid == 0:
        os.close(read)
        if os.fork() == 0:
            mine, end = os.pipe()
            os.write(write, b"x")
            os.read(mine, 1)  # never comes: it holds the other end itself
            os._exit(end)
        init.become(program, write)
    os.close(write)
    assert os.read(read, 1) == b"x"
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    assert os.read(read, 1) == b""  # the worker's end is closed: it is gone too
