"""Who is given a small weight, and for how long; on folders that stand in for control groups."""

import ctypes
import os
import struct
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Dict, Iterator, List, Tuple

import pytest
from berth_runtime import linux
from berth_runtime.cgroups import Cgroups, Group
from berth_runtime.governor import BUSY_SECONDS, CALM_SECONDS, Governor


class Machine:
    """Control groups of version 1 whose counters the test moves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 100.0
        self.used: Dict[str, float] = {}
        base = folder / "berth"
        base.mkdir()
        (folder / "cpuacct.usage").write_text("0")
        self.cgroups = Cgroups({"cpu": str(base), "cpuacct": str(base)})
        self.governor = Governor(self.cgroups.common(), os.getpid(), lambda: self.now)
        self.slices: List[Tuple[int, int]] = []  # what was asked for: thread, nanoseconds

    def set_slice(self, thread: int, nanos: int, inherited: bool) -> None:
        assert inherited == (nanos != 100_000), "only who answers calls has a short one"
        self.slices.append((thread, nanos))

    def worker(self, name: str, shares: int = 1024) -> Group:
        group = self.cgroups.group(name)
        Path(group.folders["cpu"]).mkdir(exist_ok=True)
        Path(group.folders["cpu"], "tasks").write_text(f"{self.thread(name)}\n{self.thread(name) + 1}\n")
        self.used[name] = 0.0
        self._write(name)
        group.weigh(shares)
        self.governor.take(f"plugin_{name}", group, shares, self.thread(name))
        return group

    def of(self, thread: int) -> List[int]:
        """The slices that were asked for a thread."""
        return [nanos for asked, nanos in self.slices if asked == thread]

    @staticmethod
    def thread(name: str) -> int:
        """A thread id that stands in for a worker's."""
        return 1_000_000_000 + 2 * sum(name.encode())

    def _write(self, name: str) -> None:
        (self.folder / f"berth-{name}" / "cpuacct.usage").write_text(str(int(self.used[name] * 1e9)))
        (self.folder / "cpuacct.usage").write_text(str(int(sum(self.used.values()) * 1e9)))

    def passes(self, seconds: float, **shares: float) -> None:
        """Time goes by; each named worker uses that share of a CPU."""
        end = self.now + seconds
        while self.now < end:
            step = min(BUSY_SECONDS, CALM_SECONDS)
            self.now += step
            for name, share in shares.items():
                self.used[name] += share * step
                self._write(name)
            self.governor.look()

    def burns_unseen(self, name: str, seconds: float) -> None:
        """A whole CPU, between two looks."""
        self.now += seconds
        self.used[name] += seconds
        self._write(name)

    def weight(self, name: str) -> int:
        return int((self.folder / f"berth-{name}" / "cpu.shares").read_text())


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr("berth_runtime.cgroups.write", lambda path, value: Path(path).write_text(str(value)))
    monkeypatch.setattr("berth_runtime.governor._CPUS", 2)
    monkeypatch.setattr("berth_runtime.host_threads._CPUS", 2)
    machine = Machine(tmp_path)
    monkeypatch.setattr("berth_runtime.linux.set_slice", machine.set_slice)
    return machine


@pytest.fixture
def loop() -> Iterator["Loop"]:
    loop = Loop()
    yield loop
    loop.ends()


class Loop:
    """A thread with the name of the host's that carry calls, which burns the CPU where it is told to."""

    def __init__(self, name: str = "berth-loop-1") -> None:
        self._name = name
        self._orders: SimpleQueue[float] = SimpleQueue()
        self._done: SimpleQueue[None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._done.get()
        assert self._thread.native_id is not None
        self.id = self._thread.native_id

    def _run(self) -> None:
        Path("/proc/thread-self/comm").write_text(self._name)
        self._done.put(None)
        while (seconds := self._orders.get()) > 0:
            end = time.thread_time() + seconds
            while time.thread_time() < end:
                pass
            self._done.put(None)

    def burns(self, seconds: float) -> None:
        """So much of a CPU."""
        self._orders.put(seconds)
        self._done.get()

    def policy(self) -> int:
        return os.sched_getscheduler(self.id)

    def ends(self) -> None:
        self._orders.put(0)
        self._thread.join()


def test_who_burns_goes_last_until_calm(machine: Machine) -> None:
    machine.worker("hog")
    machine.worker("quiet", 512)
    machine.passes(0.5, hog=1.0, quiet=0.02)
    assert (machine.weight("hog"), machine.weight("quiet")) == (256, 512)
    machine.passes(0.5, hog=0.0, quiet=0.02)
    assert machine.weight("hog") == 256, "one breath is no calm"
    machine.passes(1.5, hog=0.0, quiet=0.02)
    assert machine.weight("hog") == 1024


def test_who_is_calm_among_hogs_gets_short_slices_until_it_burns(machine: Machine) -> None:
    hog, quiet = machine.thread("hog"), machine.thread("quiet")
    machine.worker("hog")
    machine.worker("quiet")
    machine.passes(3.0, quiet=0.02)
    assert not machine.slices, "nobody burns"
    machine.passes(0.5, hog=1.0, quiet=0.02)
    assert machine.of(quiet) == [100_000]
    machine.passes(0.5, hog=1.0, quiet=1.0)
    assert machine.of(quiet)[:2] == [100_000, 3_000_000]
    machine.passes(2.0, hog=0.0, quiet=1.0)
    assert machine.of(hog)[-1] == 100_000


def test_all_that_a_hog_has_started_gets_long_slices_until_it_is_calm(machine: Machine) -> None:
    thread = machine.thread("hog")
    machine.worker("hog")
    machine.worker("other")
    machine.passes(1.0, hog=1.0, other=1.0)
    # Twice: what is started while they are looked through may be missed the first time.
    assert machine.of(thread) == machine.of(thread + 1) == [3_000_000, 3_000_000]
    machine.passes(2.0, hog=0.0, other=1.0)
    assert machine.of(thread + 1) == [3_000_000, 3_000_000, 0]
    assert 3_000_000 not in machine.of(thread)[2:]


@pytest.mark.parametrize(("name", "slice_"), [("berth-loop-1", 100_000), ("C2 CompilerThre", 10_000_000)])
def test_the_hosts_threads_get_slices_by_what_they_do_when_somebody_burns(
    machine: Machine, name: str, slice_: int
) -> None:
    thread = Loop(name)
    try:
        machine.worker("hog")
        machine.passes(0.1, hog=1.0)
        assert machine.of(thread.id) == [slice_]
    finally:
        thread.ends()


def test_the_hosts_other_threads_keep_theirs(machine: Machine) -> None:
    thread = Loop("ForkJoinPool-1-")
    try:
        machine.worker("hog")
        machine.passes(0.5, hog=1.0)
        assert not machine.of(thread.id)
    finally:
        thread.ends()


def test_who_looks_has_a_short_slice_while_somebody_burns(machine: Machine) -> None:
    machine.worker("hog")
    machine.passes(0.5, hog=1.0)
    assert machine.of(os.getpid()) == [100_000]
    machine.passes(0.5, hog=0.0)
    assert machine.of(os.getpid()) == [100_000, 0]


@pytest.fixture
def at_once() -> None:
    """Skips where nobody may have a real-time priority."""
    policy = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pytest.skip(
            "real-time priorities are refused here: it takes CAP_SYS_NICE, and a group with a budget for them"
        )
    os.sched_setscheduler(0, policy, os.sched_param(0))


@pytest.mark.usefixtures("at_once")
def test_who_carries_calls_goes_before_everybody_while_somebody_burns(machine: Machine, loop: Loop) -> None:
    first = os.SCHED_RR | os.SCHED_RESET_ON_FORK
    machine.worker("hog")
    machine.passes(0.5)
    assert loop.policy() == os.SCHED_OTHER, "nobody burns"
    machine.passes(0.5, hog=1.0)
    assert loop.policy() == first
    machine.passes(0.5, hog=0.0)
    assert machine.of(loop.id)[-1] == 100_000, "an ordinary thread again"


@pytest.mark.usefixtures("at_once")
def test_nobody_goes_first_when_the_last_that_burnt_has_ended(machine: Machine, loop: Loop) -> None:
    group = machine.worker("hog")
    machine.passes(0.5, hog=1.0)
    assert loop.policy() != os.SCHED_OTHER
    asked = len(machine.of(loop.id))
    machine.governor.give_back(group)
    assert machine.of(loop.id)[asked:] == [100_000]
    assert machine.of(os.getpid()) == [100_000, 0]


@pytest.mark.usefixtures("at_once")
def test_who_carries_calls_and_takes_much_of_a_cpu_goes_with_the_others(machine: Machine, loop: Loop) -> None:
    machine.worker("hog")
    machine.passes(0.1, hog=1.0)
    for _ in range(3):
        loop.burns(0.05)
        machine.passes(0.05, hog=1.0)
        assert loop.policy() == os.SCHED_OTHER
    machine.passes(0.2, hog=1.0)
    assert loop.policy() != os.SCHED_OTHER
    asked = len(machine.of(loop.id))
    loop.burns(0.05)
    machine.passes(0.05, hog=1.0)
    assert machine.of(loop.id)[asked:] == [100_000]


def test_on_one_cpu_nobody_goes_before_everybody(
    machine: Machine, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("berth_runtime.host_threads._CPUS", 1)
    machine.worker("hog")
    machine.passes(0.5, hog=1.0)
    assert loop.policy() == os.SCHED_OTHER
    assert machine.of(loop.id) == [100_000]


@pytest.mark.usefixtures("at_once")
def test_a_priority_that_was_left_behind_is_taken_back(machine: Machine, loop: Loop) -> None:
    machine.worker("hog")
    machine.passes(0.5, hog=1.0)
    machine.slices.clear()
    Governor(machine.cgroups.common(), os.getpid())
    assert machine.slices == [(loop.id, 100_000)]


def test_who_has_not_burnt_for_long_weighs_many_times_as_much_while_others_burn(machine: Machine) -> None:
    machine.worker("hog")
    machine.worker("quiet", 512)
    machine.passes(2.0, quiet=0.02)
    assert machine.weight("quiet") == 512, "nobody burns"
    machine.passes(2.0, hog=1.0, quiet=0.02)
    assert machine.weight("quiet") == 512 * 256
    machine.passes(0.1, hog=1.0, quiet=1.0)
    assert machine.weight("quiet") < 512, "until the next look"
    machine.passes(20.0, hog=1.0, quiet=0.02)
    assert machine.weight("quiet") == 512, "it is not trusted yet"
    machine.passes(15.0, hog=1.0, quiet=0.02)
    assert machine.weight("quiet") == 512 * 256
    machine.passes(0.5, quiet=0.02)
    assert machine.weight("quiet") == 512


def test_who_burnt_is_not_trusted_sooner_for_being_started_again(machine: Machine) -> None:
    machine.worker("hog")
    group = machine.worker("turns")
    machine.passes(0.5, hog=1.0, turns=1.0)
    machine.passes(2.0, hog=1.0)
    assert machine.weight("turns") == 1024, "calm again"
    machine.governor.give_back(group)
    machine.worker("turns")
    machine.passes(20.0, hog=1.0)
    assert machine.weight("turns") == 1024
    machine.passes(15.0, hog=1.0)
    assert machine.weight("turns") == 1024 * 256


@pytest.mark.parametrize("inherited", [False, True])
def test_a_slice_is_set_and_what_the_thread_starts_has_the_usual_one_or_the_same(inherited: bool) -> None:
    found: List[int] = []

    def run() -> None:
        found.append(_slice_of(0))  # what a thread begins with, whatever other tests have made of the main one
        linux.set_slice(threading.get_native_id(), 300_000, inherited)
        found.append(_slice_of(0))
        child = threading.Thread(target=lambda: found.append(_slice_of(0)))
        child.start()
        child.join()

    if not _slice_of(0):
        pytest.skip("this kernel has no slices of a thread's own (Linux 6.12)")
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    usual, *found = found
    assert found == [300_000, 300_000 if inherited else usual]


def _slice_of(thread: int) -> int:
    """By sched_getattr(2), whose number lies next to that of sched_setattr on both machines we know."""
    attributes = ctypes.create_string_buffer(48)
    number = linux.call_number("sched_setattr") + 1
    assert ctypes.CDLL(None).syscall(ctypes.c_long(number), thread, attributes, 48, 0) == 0
    return int(struct.unpack("IIQiIQQQ", attributes.raw)[5])


@pytest.mark.parametrize(("many", "weight"), [(24, 32), (150, 4)])
def test_many_that_share_the_machine_are_hogs_though_each_gets_little(
    machine: Machine, many: int, weight: int
) -> None:
    """All of them together weigh about as much as the victim."""
    for i in range(many):
        machine.worker(f"w{i}")
    machine.worker("victim")
    machine.passes(0.5, victim=0.25 / many, **{f"w{i}": 2 / many for i in range(many)})
    assert {machine.weight(f"w{i}") for i in range(many)} == {weight}
    assert machine.weight("victim") == 1024


@pytest.mark.parametrize("cpus", [1.0, 0.7, 0.52, 0.45])
def test_shares_hold_among_those_that_burn_however_little_there_is(machine: Machine, cpus: float) -> None:
    shares = {"heavy": 4096, "other": 4096, "light": 1024}
    for name, share in shares.items():
        machine.worker(name, share)
    for _ in range(100):  # they divide what there is by their weights, as the kernel has them do
        weights = {name: machine.weight(name) for name in shares}
        had = {name: cpus * weight / sum(weights.values()) for name, weight in weights.items()}
        machine.passes(0.1, **had)
    used = machine.used
    assert used["heavy"] / used["light"] == pytest.approx(4, rel=0.1)
    assert used["other"] / used["light"] == pytest.approx(4, rel=0.1)


def test_hogs_weigh_more_again_when_there_are_fewer(machine: Machine) -> None:
    for i in range(24):
        machine.worker(f"w{i}")
    machine.passes(0.5, **{f"w{i}": 2 / 24 for i in range(24)})
    machine.passes(2.0, w0=1.0, w1=1.0)
    assert (machine.weight("w0"), machine.weight("w1"), machine.weight("w2")) == (256, 256, 1024)


def test_a_hog_that_is_started_again_begins_small(machine: Machine) -> None:
    group = machine.worker("hog")
    machine.passes(0.5, hog=1.0)
    machine.governor.give_back(group)
    machine.now += 5
    machine.worker("hog")
    assert machine.weight("hog") == 256
    machine.passes(2.0, hog=0.0)
    assert machine.weight("hog") == 1024


@pytest.mark.parametrize(("lived", "weight"), [(BUSY_SECONDS / 2, 256), (BUSY_SECONDS / 100, 1024)])
def test_who_burns_until_its_end_is_remembered_unlooked_at(machine: Machine, lived: float, weight: int) -> None:
    """But not who ends after a moment's work."""
    group = machine.worker("bomb")
    machine.burns_unseen("bomb", lived)
    machine.governor.give_back(group)
    machine.worker("bomb")
    assert machine.weight("bomb") == weight


def test_nobody_is_looked_at_where_nobody_is(machine: Machine) -> None:
    assert machine.governor.next() is None
    group = machine.worker("one")
    assert machine.governor.next() is not None
    machine.governor.give_back(group)
    assert machine.governor.next() is None
