"""That containers are governed as processes are, on groups of the kernel's own."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Dict, Iterator

import pytest
from berth_runtime import cgroups
from berth_runtime.cgroups import Group
from berth_runtime.container_governor import ContainerGovernor


class Engine:
    """Makes groups beside each other, with a first process and the one that it starts."""

    def __init__(self, own: Group) -> None:
        self._around = Group({c: f"{folder}/engine{os.getpid()}" for c, folder in own.folders.items()}, own.unified)
        self._inits: Dict[int, Group] = {}
        for folder in set(self._around.folders.values()):
            os.mkdir(folder)

    def container(self, burns: bool) -> int:
        """Its first process, whose child may burn."""
        name = f"c{len(self._inits)}"
        group = Group({c: f"{folder}/{name}" for c, folder in self._around.folders.items()}, self._around.unified)
        for folder in set(group.folders.values()):
            os.mkdir(folder)
        ready, born = os.pipe()
        init = os.fork()
        if init == 0:
            for folder in set(group.folders.values()):
                cgroups.write(f"{folder}/cgroup.procs", 0)
            if os.fork() == 0:
                os.write(born, b"+")
                while burns:
                    pass
            signal.pause()
            os._exit(0)
        os.close(born)
        os.read(ready, 1)
        os.close(ready)
        self._inits[init] = group
        return init

    def shares(self, init: int) -> int:
        return int(cgroups.read(f"{self._inits[init].folders['cpu']}/cpu.shares"))

    def ends(self, init: int) -> None:
        for thread in self._inits[init].threads():
            os.kill(thread, signal.SIGKILL)
        os.waitpid(init, 0)

    def close(self) -> None:
        for init, group in self._inits.items():
            for thread in group.threads():
                os.kill(thread, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(init, 0)
        left = [*self._inits.values(), self._around]
        deadline = time.monotonic() + 5
        while left and time.monotonic() < deadline:
            left = [group for group in left if not group.remove()]


@pytest.fixture
def engine() -> Iterator[Engine]:
    own = cgroups.of_process(os.getpid(), cgroups.mounted())
    if own is None or own.unified or not all(os.access(folder, os.W_OK) for folder in own.folders.values()):
        pytest.skip("needs control groups of version 1 for CPU time, as root")
    made = Engine(own)
    yield made
    made.close()


def looks(governor: ContainerGovernor, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(governor.next() or 0)  # as the helper's poll does
        governor.look()


def test_a_container_that_burns_goes_last_and_so_does_its_plugins_next(engine: Engine) -> None:
    governor = ContainerGovernor(os.getpid())
    calm, burner = engine.container(False), engine.container(True)
    governor.take(calm, "plugin_calm", 1024)
    governor.take(burner, "plugin_burner", 1024)
    looks(governor, 0.5)
    assert (engine.shares(calm), engine.shares(burner)) == (1024, 256)
    engine.ends(burner)
    governor.give_back(burner)
    following = engine.container(False)
    governor.take(following, "plugin_burner", 1024)
    assert engine.shares(following) == 256, "what its last container did is remembered"


def test_what_is_not_known_or_gone_is_nobodys_trouble(engine: Engine) -> None:
    governor = ContainerGovernor(os.getpid())
    assert governor.next() is None
    governor.give_back(1)
    init = engine.container(False)
    engine.ends(init)
    governor.take(init, "plugin_gone", 1024)
    assert governor.next() is None
