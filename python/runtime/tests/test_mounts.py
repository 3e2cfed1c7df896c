"""Mounting from inside another mount namespace, and the way back; on kernels with mount_setattr and without."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from berth_runtime import linux, seccomp
from berth_runtime.mounts import ACCESS, Doorway, Mount
from berth_runtime.steps import StepError
from berth_runtime.views import PLAIN

POLICY = json.loads((Path(__file__).parents[3] / "protocol" / "seccomp.json").read_text(encoding="utf-8"))
ST_RDONLY, ST_NOSUID, ST_NODEV, ST_NOEXEC = 1, 2, 4, 8

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")


def in_child(work: Callable[[], Dict[str, Any]]) -> Dict[str, Any]:
    """What `work` gives, in a process of its own with a mount namespace of its own."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            linux.unshare(linux.CLONE_NEWNS)
            linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
            os.write(write, json.dumps(work()).encode())
        except BaseException as e:
            os.write(write, json.dumps({"raised": repr(e)}).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as f:
        said: Dict[str, Any] = json.loads(f.read())
    os.waitpid(pid, 0)
    return said


def other_namespace() -> int:
    """A descriptor of a mount namespace that is nobody's any more."""
    read, write = os.pipe()
    go, gone = os.pipe()
    pid = os.fork()
    if pid == 0:
        linux.unshare(linux.CLONE_NEWNS)
        os.write(write, b"y")
        os.close(gone)
        os.read(go, 1)
        os._exit(0)
    os.read(read, 1)
    fd = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    os.close(gone)
    os.waitpid(pid, 0)
    return fd


def without_mount_setattr() -> None:
    """As before Linux 5.12."""
    policy = {**POLICY, "rules": [{"errno": "ENOSYS", "calls": ["mount_setattr"]}]}
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    seccomp.Filter(seccomp.build(policy, linux.MACHINE)).apply()


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("access", sorted(ACCESS))
def test_a_folder_is_mounted_there_with_its_restrictions_and_not_here(
    tmp_path: Path, access: str, old: bool
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "a").write_text("x")

    def work() -> Dict[str, Any]:
        doorway, there = Doorway(), other_namespace()
        own = os.readlink("/proc/self/ns/mnt")
        if old:
            without_mount_setattr()
        doorway.attach(there, [Mount(access, str(target), PLAIN.open(str(source)))])
        back = os.readlink("/proc/self/ns/mnt") == own
        here = os.listdir(target)
        linux.setns(there, linux.CLONE_NEWNS)
        return {
            "back": back,
            "here": here,
            "there": os.listdir(target),
            "flags": os.statvfs(target).f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC),
        }

    assert in_child(work) == {"back": True, "here": [], "there": ["a"], "flags": ACCESS[access]}


def test_a_folder_that_can_not_be_mounted_is_named_and_the_way_back_found(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")

    def work() -> Dict[str, Any]:
        doorway, there = Doorway(), other_namespace()
        own = os.readlink("/proc/self/ns/mnt")
        try:
            doorway.attach(there, [Mount("read", missing, PLAIN.open(str(tmp_path)))])
        except StepError as e:
            return {"step": e.step, "back": os.readlink("/proc/self/ns/mnt") == own, "in": os.getcwd()}
        return {}

    assert in_child(work) == {"step": f"mount {missing}", "back": True, "in": "/"}
