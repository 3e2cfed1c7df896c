"""Folders placed for an engine: there to be seen, and gone without harm."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from berth_runtime import linux, tree
from berth_runtime.placing import Placing
from berth_runtime.views import PLAIN

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")


@pytest.fixture
def outside() -> Iterator[int]:
    """A mount namespace that stands for the engine's: this test's own."""
    fd = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    yield fd
    os.close(fd)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    return tmp_path / "placed"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder that is to be seen, and to be there afterwards."""
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "file").write_text("kept")
    return folder


def mount(source: Path, target: Path, access: str) -> Dict[str, Any]:
    return {"source": str(source), "target": str(target), "access": access}


def put(placing: Placing, place: Path, *mounts: Dict[str, Any]) -> None:
    detached = [PLAIN.open(mount["source"]) for mount in mounts]
    try:
        placing.put(str(place), list(mounts), detached)
    finally:
        for fd in detached:
            os.close(fd)


def test_what_is_placed_is_seen_as_it_may_be_used_and_taken_away_whole(
    outside: int, places: Path, kept: Path
) -> None:
    placing = Placing(outside, str(places))
    place = places / "1"
    put(placing, place, mount(kept, place / "0", "view"), mount(kept, place / "1", "write"))
    assert (place / "0/file").read_text() == "kept"
    with pytest.raises(OSError, match="Read-only"):
        (place / "0/new").write_text("x")
    (place / "1/new").write_text("x")
    placing.take_away(str(place))
    assert not place.exists()
    assert sorted(os.listdir(kept)) == ["file", "new"]


def test_when_one_folder_can_not_be_mounted_none_is(outside: int, places: Path, kept: Path) -> None:
    placing = Placing(outside, str(places))
    place = places / "1"
    with pytest.raises(ValueError, match="for the engine"):
        put(placing, place, mount(kept, place / "0", "view"), mount(kept, place / "0", "view"))
    assert not place.exists()
    assert (kept / "file").exists()


def test_what_a_killed_helper_left_goes_and_no_file_of_anybodys_with_it(
    outside: int, places: Path, kept: Path
) -> None:
    place = places / "7"
    put(Placing(outside, str(places)), place, mount(kept, place / "0", "write"))
    (places / "8").mkdir()
    Placing(outside, str(places)).clear()
    assert os.listdir(places) == []
    assert (kept / "file").read_text() == "kept"
    (places / "9/0").mkdir(parents=True)
    (places / "9/0/somebodys").write_text("x")
    with pytest.raises(ValueError, match="not empty"):
        Placing(outside, str(places)).clear()
    assert (places / "9/0/somebodys").exists()


def test_root_may_make_files_in_a_folder_whose_ids_are_mapped_and_give_them_away(tmp_path: Path) -> None:
    """As gVisor does for a plugin: without an id of its own there the kernel refuses (EOVERFLOW)."""
    for owner in (1234, 0):
        folder = tmp_path / str(owner)
        folder.mkdir()
        os.chown(folder, owner, owner)
        try:
            fd = tree.shared(str(folder), 200_003, by_root=True)
        except OSError as e:
            pytest.skip(f"no id-mapped mounts here: {e}")
        at = tmp_path / f"at{owner}"
        at.mkdir()
        linux.attach_tree(fd, str(at))
        os.close(fd)
        try:
            if at.stat().st_uid != 200_003:
                pytest.skip("this file system knows no id-mapped mounts")
            (at / "new").write_text("x")
            os.chown(at / "new", 200_003, 200_003)
        finally:
            linux.unmount(str(at))
        assert (folder / "new").stat().st_uid == owner
