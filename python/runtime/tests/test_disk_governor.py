"""Who gets limits for his disk, on counters and limits that stand in for the kernel's; and once on the kernel's."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest
from berth_runtime import io_limits, volumes
from berth_runtime.disk_governor import LOOK_SECONDS, Count, DiskGovernor, _counts
from berth_runtime.io_limits import IoLimits, Rates

MIB = 1 << 20


class Machine(IoLimits):
    """Disks whose counters the test moves, and the limits that were set."""

    def __init__(self, left_over: Tuple[str, ...] = ()) -> None:
        super().__init__("/nowhere", False)
        self.now = 100.0
        self.done: Dict[str, Count] = {}
        self.limits: Dict[str, Tuple[int, Optional[Rates]]] = {}
        self.left = list(left_over)
        self.settable = True
        self.governor = DiskGovernor(
            self, lambda devices: {d: self.done[d] for d in devices if d in self.done}, lambda: self.now
        )

    def set(self, device: str, pid: int, rates: Optional[Rates]) -> bool:
        self.limits[device] = (pid, rates)
        return self.settable

    def left_over(self) -> List[str]:
        return self.left

    def passes(self, seconds: int, **written: int) -> None:
        """Time goes by; each named disk, "d1" for 7:1, is written so many bytes a second, in requests of 64 KiB."""
        for _ in range(seconds):
            self.now += LOOK_SECONDS
            for name, count in written.items():
                self.does(name, Count(0, count, 0, count >> 16))
            self.governor.look()

    def does(self, name: str, more: Count) -> None:
        device = f"7:{name[1:]}"
        was = self.done.get(device, Count(0, 0, 0, 0))
        self.done[device] = Count(
            was.read_bytes + more.read_bytes,
            was.written_bytes + more.written_bytes,
            was.reads + more.reads,
            was.writes + more.writes,
        )

    def written(self, device: str) -> Optional[float]:
        """The limit in force on what is written, in MiB a second."""
        _, rates = self.limits.get(device, (0, None))
        return None if rates is None else rates.written_bytes / MIB


def test_who_writes_without_end_is_limited_until_it_has_been_calm() -> None:
    machine = Machine()
    machine.governor.take("7:1", 11)
    machine.governor.take("7:2", 12)
    machine.passes(2, d1=100 * MIB, d2=MIB)
    assert machine.limits == {"7:1": (11, Rates(256 * MIB, 64 * MIB, 4_000, 500))}
    machine.passes(5, d1=0, d2=MIB)
    assert machine.written("7:1") == 64, "not for long enough"
    machine.passes(6, d1=0, d2=MIB)
    assert machine.limits == {"7:1": (11, None)}


def test_all_that_are_busy_share() -> None:
    machine = Machine()
    for i in range(16):
        machine.governor.take(f"7:{i}", 11 + i)
    machine.passes(2, **{f"d{i}": 100 * MIB for i in range(16)})
    assert {machine.written(f"7:{i}") for i in range(16)} == {4.0}
    # What the limit leaves them is little, and all of it is used: no sign of calm.
    machine.passes(30, **{f"d{i}": 4 * MIB for i in range(16)})
    assert {machine.written(f"7:{i}") for i in range(16)} == {4.0}
    machine.passes(11, d0=4 * MIB)
    assert machine.written("7:0") == 64
    assert {machine.written(f"7:{i}") for i in range(1, 16)} == {None}


def test_a_hundred_keep_something_each() -> None:
    machine = Machine()
    for i in range(100):
        machine.governor.take(f"7:{i}", 11 + i)
    machine.passes(2, **{f"d{i}": 100 * MIB for i in range(100)})
    assert {machine.written(f"7:{i}") for i in range(100)} == {1.0}


@pytest.mark.parametrize(
    "second", [Count(0, 4096 * 100, 0, 100), Count(64 * MIB, 0, 64, 0), Count(4096 * 1000, 0, 1000, 0)]
)
def test_small_writes_and_reads_count_too(second: Count) -> None:
    machine = Machine()
    machine.governor.take("7:1", 11)
    for _ in range(2):
        machine.does("d1", second)
        machine.passes(1)
    assert machine.written("7:1") == 64


def test_a_limit_that_can_not_be_set_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine()
    machine.settable = False
    machine.governor.take("7:1", os.getpid())
    machine.governor.take("7:2", 2**22 + 1)  # has ended
    machine.passes(2, d1=100 * MIB, d2=100 * MIB)
    (line,) = capsys.readouterr().err.splitlines()
    assert f"process {os.getpid()} uses its disk, block device 7:1" in line


def test_who_comes_back_is_what_he_was_and_nothing_waits_for_what_he_left() -> None:
    machine = Machine()
    machine.governor.take("7:1", 11)
    machine.passes(2, d1=100 * MIB)
    machine.governor.give_back("7:1")
    assert machine.limits == {"7:1": (11, None)}
    machine.governor.take("7:1", 12)
    assert machine.limits == {"7:1": (12, Rates(256 * MIB, 64 * MIB, 4_000, 500))}
    machine.governor.forget("7:1")  # somebody else's from now on
    assert machine.limits == {"7:1": (12, None)}
    machine.governor.take("7:1", 13)
    assert machine.limits == {"7:1": (12, None)}


def test_it_looks_only_while_there_is_somebody() -> None:
    machine = Machine()
    assert machine.governor.next() is None
    machine.governor.take("7:1", 11)
    assert machine.governor.next() == LOOK_SECONDS
    machine.governor.give_back("7:1")
    assert machine.governor.next() is None


def test_what_a_killed_one_has_left_is_lifted() -> None:
    assert Machine(("7:5",)).limits == {"7:5": (0, None)}


def test_the_kernels_counters_are_read() -> None:
    blocks = {path.parent: path.read_text().strip() for path in Path("/sys/block").glob("*/dev")}
    assert _counts(["0:0"]) == {}
    for folder, device in blocks.items():
        words = (folder / "stat").read_text().split()  # the same, of one device
        found = _counts([device])[device]
        assert found.reads <= int(words[0]) + 100
        assert abs(found.written_bytes - int(words[6]) * 512) < 64 * MIB, device


def test_version_2_has_a_line_in_the_processes_own_group(tmp_path: Path) -> None:
    own = tmp_path / Path("/proc/self/cgroup").read_text().splitlines()[-1].partition("::")[2].lstrip("/")
    own.mkdir(parents=True, exist_ok=True)
    (own / "io.max").write_text("")
    limits = IoLimits(str(tmp_path), True)
    assert limits.set("7:1", os.getpid(), Rates(0.5, 2, 3, 4))
    assert (own / "io.max").read_text() == "7:1 rbps=1 wbps=2 riops=3 wiops=4"
    (own / "io.max").write_text("")
    assert limits.set("7:1", os.getpid(), None)
    assert (own / "io.max").read_text() == "7:1 rbps=max wbps=max riops=max wiops=max"
    (own / "io.max").unlink()
    own.chmod(0o500)
    assert not limits.set("7:1", os.getpid(), None), "its group has no such limit"
    assert not limits.set("7:1", 2**22 + 1, None), "there is no such process"


def test_a_real_disk_is_written_as_fast_as_it_may_be(tmp_path: Path) -> None:
    limits = io_limits.find()
    if os.geteuid() != 0 or limits is None or limits.unified or not os.path.exists("/dev/loop-control"):
        pytest.skip("needs root, loop devices and control groups of version 1 for block devices")
    image = tmp_path / volumes.IMAGE
    with open(image, "wb") as file:
        file.truncate(16 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    points = tmp_path / "points"
    points.mkdir()
    mounted = volumes.Volumes(str(points), DiskGovernor(limits))
    os.close(mounted.take(str(image), 0))
    mounted.used_by(str(image), os.getpid())
    device = mounted._mounted[str(image)].device
    try:
        assert limits.set(device, os.getpid(), Rates(64 * MIB, 8 * MIB, 4_000, 500))
        assert _seconds_to_write(points, 8 * MIB) > 0.5
    finally:
        limits.set(device, os.getpid(), None)
    assert device not in (Path(limits.mount) / "blkio.throttle.write_bps_device").read_text()
    mounted.give_back(str(image))
    image.unlink()
    while (wait := mounted.sweep()) is not None:  # as the launcher does
        time.sleep(wait)
    assert list(points.iterdir()) == []


def _seconds_to_write(points: Path, count: int) -> float:
    (point,) = points.iterdir()
    begun = time.monotonic()
    with open(point / "x", "wb", 0) as file:
        for _ in range(count >> 16):
            file.write(b"x" * 65536)
        os.fsync(file.fileno())
    return time.monotonic() - begun


def test_a_real_limit_that_a_killed_one_has_left_is_lifted() -> None:
    limits = io_limits.find()
    unused = [path for path in Path("/sys/block").glob("loop*") if not (path / "loop").exists()]
    if os.geteuid() != 0 or limits is None or limits.unified or not unused:
        pytest.skip("needs root, an unused loop device and control groups of version 1 for block devices")
    device = (unused[-1] / "dev").read_text().strip()
    assert limits.set(device, os.getpid(), Rates(64 * MIB, 8 * MIB, 4_000, 500))
    assert device in limits.left_over()
    DiskGovernor(limits)
    assert device not in limits.left_over()
