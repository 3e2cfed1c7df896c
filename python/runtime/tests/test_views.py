"""Views of folders: some of a file system of its own, whose device tells how often its cache was written back."""

from __future__ import annotations

import fcntl
import mmap
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict

import pytest
from berth_runtime import linux, views
from berth_runtime.views import PLAIN, Views
from berth_runtime.volumes import _mount
from test_mounts import in_child

SYNCS = 100

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")


def flushes(folder: Path) -> int:
    """How many cache flushes the device below it has done (Documentation/admin-guide/iostats.rst, field 16)."""
    number = os.stat(folder).st_dev
    stat = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat").read_text("ascii").split()
    return int(stat[15])


def sync_all(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    with mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ) as mapped:
        for _ in range(SYNCS):
            os.fsync(fd)
            os.fdatasync(fd)
            mapped.flush()
    os.close(fd)


def shown(way: Views, source: Path, target: Path) -> None:
    fd = way.open(str(source))
    linux.attach_tree(fd, str(target))
    os.close(fd)


@pytest.mark.skipif(
    shutil.which("mkfs.ext4") is None or not os.path.exists("/dev/loop-control"), reason="needs loop devices"
)
def test_syncing_in_a_view_does_not_reach_the_disk(tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as f:
        f.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    names = ("disk", "empty", "view", "plain", "file")
    disk, empty, view, plain, file = (tmp_path / name for name in names)
    for folder in (disk, empty, view, plain):
        folder.mkdir()
    file.write_text("", encoding="ascii")

    def work() -> Dict[str, Any]:
        _mount(str(image), str(disk))
        (disk / "package").mkdir()
        (disk / "package" / "main.py").write_text("x = 1\n", encoding="ascii")
        os.sync()
        shown(Views(str(empty)), disk / "package", view)
        shown(PLAIN, disk / "package", plain)
        Views(str(empty)).show(str(disk / "package" / "main.py"), str(file))
        found: Dict[str, Any] = {}
        for name, path in (("view", view / "main.py"), ("file", file), ("plain", plain / "main.py")):
            assert path.read_text("ascii") == "x = 1\n"
            before = flushes(disk)
            sync_all(path)
            found[name] = flushes(disk) - before
        return found

    found = in_child(work)
    assert found["plain"] >= SYNCS, found  # else the device doesn't count, and the others say nothing
    assert found["view"] == 0
    assert found["file"] == 0


def test_a_lock_taken_in_a_view_is_nobody_elses(tmp_path: Path) -> None:
    source, empty, one, other = (tmp_path / name for name in ("source", "empty", "one", "other"))
    for folder in (source, empty, one, other):
        folder.mkdir()
    (source / "a").write_text("x", encoding="ascii")

    def work() -> Dict[str, Any]:
        for target in (one, other):
            shown(Views(str(empty)), source, target)
        files = [os.open(folder / "a", os.O_RDONLY) for folder in (one, other, source)]
        for fd in files:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError where another has it
        again = os.open(one / "a", os.O_RDONLY)
        try:
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return {"within": True}
        return {"within": False}

    assert in_child(work) == {"within": True}


def test_a_view_can_be_read_only_and_does_not_say_where_its_folder_is(tmp_path: Path) -> None:
    source, empty, target = (tmp_path / name for name in ("source", "empty", "target"))
    for folder in (source, empty, target):
        folder.mkdir()
    (source / "a").write_text("x", encoding="ascii")

    def work() -> Dict[str, Any]:
        shown(Views(str(empty)), source, target)
        try:
            (target / "a").write_text("y", encoding="ascii")
        except OSError as e:
            refused = e.strerror
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            line = next(line for line in f if f" {target} " in line)
        return {"refused": refused, "told": str(source) in line}

    assert in_child(work) == {"refused": "Read-only file system", "told": False}


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("/etc")
    for way in (PLAIN, Views(str(tmp_path / "empty"))):
        with pytest.raises(NotADirectoryError):
            way.open(str(tmp_path / "link"))


def test_where_there_are_none_folders_are_shown_as_they_are(tmp_path: Path) -> None:
    missing = tmp_path / "missing"

    def work() -> Dict[str, Any]:
        found, why = views.find(str(missing))
        return {"plain": found == PLAIN, "why": why}

    found = in_child(work)
    assert found["plain"]
    assert "no overlays can be had: " in found["why"]


def test_they_are_found_by_trying() -> None:
    assert in_child(lambda: {"why": views.problem()}) == {"why": ""}
