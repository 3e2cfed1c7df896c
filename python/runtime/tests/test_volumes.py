"""Plugins' folders of a fixed size, as real mounts."""

from __future__ import annotations

import fcntl
import os
import pathlib
import subprocess
import time

import pytest
from berth_runtime import volumes
from berth_runtime.disk_governor import DiskGovernor

needs_loops = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/dev/loop-control"), reason="needs root and loop devices"
)


def made(folder: pathlib.Path) -> pathlib.Path:
    image = folder / volumes.IMAGE
    with open(image, "wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    (folder / "points").mkdir()
    return image


def is_locked(image: pathlib.Path) -> bool:
    with open(image, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@needs_loops
def test_what_a_worker_sees_of_one_that_was_let_go_is_unmounted_with_the_worker(tmp_path: pathlib.Path) -> None:
    image = made(tmp_path)
    mounted = volumes.Volumes(str(tmp_path / "points"), DiskGovernor(None))
    seen = mounted.take(str(image), 0)
    mounted.close()
    assert list((tmp_path / "points").iterdir()) == []
    assert os.fstatvfs(seen).f_blocks > 0
    assert is_locked(image)  # or another host would mount it, too
    os.close(seen)
    assert not is_locked(image)
    os.close(mounted.take(str(image), 0))
    mounted.close()


@needs_loops
def test_the_kernel_does_not_fill_the_tables_of_a_new_one(tmp_path: pathlib.Path) -> None:
    image = made(tmp_path)
    mounted = volumes.Volumes(str(tmp_path / "points"), DiskGovernor(None))
    seen = mounted.take(str(image), 0)
    number = os.fstat(seen).st_dev
    options = pathlib.Path(f"/proc/fs/ext4/loop{os.minor(number)}/options")
    try:
        if not options.exists():
            pytest.skip("the kernel tells nothing of its ext4 file systems")
        assert "noinit_itable" in options.read_text("ascii").split()
    finally:
        os.close(seen)
        mounted.close()


@needs_loops
def test_a_file_that_the_host_deletes_is_let_go_soon(tmp_path: pathlib.Path) -> None:
    image = made(tmp_path)
    points = tmp_path / "points"
    mounted = volumes.Volumes(str(points), DiskGovernor(None))
    os.close(mounted.take(str(image), 0))
    assert mounted.sweep() is None  # it has a user
    mounted.give_back(str(image))
    before = time.monotonic()
    image.unlink()
    while (wait := mounted.sweep()) is not None:  # as the launcher does
        time.sleep(wait)
    assert time.monotonic() - before < volumes.IDLE_SECONDS / 2
    assert list(points.iterdir()) == []
    assert str(points) not in pathlib.Path("/proc/self/mountinfo").read_text()


def test_one_that_is_there_is_looked_at_again_before_its_time_is_up(tmp_path: pathlib.Path) -> None:
    image = tmp_path / volumes.IMAGE
    image.touch()
    mounted = volumes.Volumes(str(tmp_path), DiskGovernor(None))
    mounted._mounted[str(image)] = volumes._Volume(str(tmp_path / "point"), "7:9", 0, time.monotonic())
    assert mounted.sweep() == volumes.DELETED_SECONDS
