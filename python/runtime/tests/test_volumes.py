"""Plugins' folders of a fixed size, as real mounts."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time

import pytest
from berth_runtime import volumes
from berth_runtime.disk_governor import DiskGovernor


@pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/dev/loop-control"), reason="needs root and loop devices"
)
def test_a_file_that_the_host_deletes_is_let_go_soon(tmp_path: pathlib.Path) -> None:
    image = tmp_path / volumes.IMAGE
    with open(image, "wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    points = tmp_path / "points"
    points.mkdir()
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
