"""Control groups on folders that stand in for the kernel's: where groups go, and what is written to them.

The kernel's own behaviour (version 1) is tested through the real sandbox. Version 2 with controllers is tested here
only, as far as files go.
"""

from __future__ import annotations

import os
import pathlib

import pytest
from berth_runtime import cgroups

V1_MOUNTS = """\
30 20 0:26 / {top}/memory rw,relatime - cgroup cgroup rw,memory
31 20 0:27 / {top}/pids rw,relatime - cgroup cgroup rw,pids
32 20 0:28 / {top}/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
33 20 0:29 / {top}/unified rw,relatime - cgroup2 cgroup2 rw
"""
V1_MEMBERSHIP = "5:memory:/own\n4:pids:/\n3:cpu,cpuacct:/\n0::/\n"
V2_MOUNTS = "30 20 0:26 {root} {top} rw,relatime - cgroup2 cgroup2 rw\n"


def v1(tmp_path: pathlib.Path) -> cgroups.Cgroups:
    for folder in ("memory/own", "pids", "cpu,cpuacct", "unified"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    return cgroups.prepare_in(V1_MOUNTS.format(top=tmp_path), V1_MEMBERSHIP, "0a", "i1", os.getpid())


def v2(tmp_path: pathlib.Path, path: str, root: str = "/", host: int | None = None) -> cgroups.Cgroups:
    return cgroups.prepare_in(
        V2_MOUNTS.format(top=tmp_path, root=root), f"0::{path}\n", "0a", "i1", host or os.getpid()
    )


def v2_folder(folder: pathlib.Path, *, top: bool, procs: str = "", available: str = "cpu memory pids") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.controllers").write_text(available)
    (folder / "cgroup.subtree_control").write_text("cpu memory pids")
    (folder / "cgroup.procs").write_text(procs)
    if not top:
        (folder / "cgroup.type").write_text("domain")


def test_v1_groups_lie_below_the_hosts_own(tmp_path: pathlib.Path) -> None:
    groups = v1(tmp_path)
    assert groups.bases == {
        "memory": f"{tmp_path}/memory/own/berth-0a-i1",
        "pids": f"{tmp_path}/pids/berth-0a-i1",
        "cpu": f"{tmp_path}/cpu,cpuacct/berth-0a-i1",
        "cpuacct": f"{tmp_path}/cpu,cpuacct/berth-0a-i1",
    }
    assert groups.missing == {}
    assert not groups.unified


def test_v1_groups_for_cpu_time_lie_beside_the_instances(tmp_path: pathlib.Path) -> None:
    """Otherwise plugins that are calm would pay for those that burn; see the module."""
    groups = v1(tmp_path)
    assert groups.group("w1").folders == {
        "memory": f"{tmp_path}/memory/own/berth-0a-i1/w1",
        "pids": f"{tmp_path}/pids/berth-0a-i1/w1",
        "cpu": f"{tmp_path}/cpu,cpuacct/berth-0a-i1-w1",
        "cpuacct": f"{tmp_path}/cpu,cpuacct/berth-0a-i1-w1",
    }
    together = groups.common()
    assert together is not None
    assert together.folders == {"cpuacct": f"{tmp_path}/cpu,cpuacct"}


def test_v1_what_counts_cpu_time_may_be_a_tree_of_its_own(tmp_path: pathlib.Path) -> None:
    groups = cgroups.Cgroups({"cpu": f"{tmp_path}/cpu/berth-0a-i1", "cpuacct": f"{tmp_path}/cpuacct/berth-0a-i1"})
    assert groups.group("w1").folders == {
        "cpu": f"{tmp_path}/cpu/berth-0a-i1-w1",
        "cpuacct": f"{tmp_path}/cpuacct/berth-0a-i1/w1",
    }
    together = groups.common()
    assert together is not None
    assert together.folders == {"cpuacct": f"{tmp_path}/cpuacct/berth-0a-i1"}


def test_v1_without_anything_that_counts_cpu_time_one_folder_bounds_them_all(tmp_path: pathlib.Path) -> None:
    groups = cgroups.Cgroups({"cpu": f"{tmp_path}/cpu/berth-0a-i1"})
    assert groups.common() is None
    assert groups.group("w1").folders == {"cpu": f"{tmp_path}/cpu/berth-0a-i1/w1"}


def test_v1_in_a_container_the_mount_shows_a_part(tmp_path: pathlib.Path) -> None:
    (tmp_path / "memory").mkdir()
    mounts = f"30 20 0:26 /docker/abc {tmp_path}/memory rw - cgroup cgroup rw,memory\n"
    groups = cgroups.prepare_in(mounts, "5:memory:/docker/abc\n", "0a", "i1", os.getpid())
    assert groups.bases == {"memory": f"{tmp_path}/memory/berth-0a-i1"}
    assert set(groups.missing) == {"process_limit", "cpu_limit"}


def test_v1_limits(tmp_path: pathlib.Path) -> None:
    groups = v1(tmp_path)
    group = groups.group("w1")
    for folder in group.folders.values():
        os.makedirs(folder, exist_ok=True)
    for controller, name in (
        ("memory", "memory.limit_in_bytes"),
        ("memory", "memory.memsw.limit_in_bytes"),
        ("memory", "memory.oom_control"),
        ("cpu", "cpu.shares"),
    ):
        (pathlib.Path(group.folders[controller]) / name).write_text("")
    group.bound(1 << 27)
    group.weigh(512)
    memory = pathlib.Path(group.folders["memory"])
    assert (memory / "memory.limit_in_bytes").read_text() == "134217728"
    assert (memory / "memory.memsw.limit_in_bytes").read_text() == "134217728"
    assert (pathlib.Path(group.folders["cpu"]) / "cpu.shares").read_text() == "512"
    (memory / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    assert group.oom_kills() == 3


def test_v2_at_the_root(tmp_path: pathlib.Path) -> None:
    v2_folder(tmp_path, top=True, procs="1\n2\n")
    tree = cgroups._Tree(frozenset(), str(tmp_path), str(tmp_path))
    assert cgroups._unified_parent(tree, os.getpid()) == (str(tmp_path), {"cpu", "memory", "pids"}, "")


def test_v2_delegated_moves_the_host_down(tmp_path: pathlib.Path) -> None:
    own = tmp_path / "system.slice" / "berth.service"
    v2_folder(tmp_path, top=True)
    v2_folder(own, top=False, procs=f"{os.getpid()}\n")
    (own / "berth-host").mkdir()
    (own / "berth-host" / "cgroup.procs").write_text("")
    tree = cgroups._Tree(frozenset(), str(tmp_path), str(own))
    folder, controllers, why = cgroups._unified_parent(tree, os.getpid())
    assert (folder, controllers, why) == (str(own), {"cpu", "memory", "pids"}, "")
    assert (own / "berth-host" / "cgroup.procs").read_text() == str(os.getpid())


def test_v2_shared_with_others_goes_to_the_root_or_nowhere(tmp_path: pathlib.Path) -> None:
    own = tmp_path / "user.slice"
    v2_folder(own, top=False, procs=f"{os.getpid()}\n{os.getppid()}\n")
    v2_folder(tmp_path, top=True)
    tree = cgroups._Tree(frozenset(), str(tmp_path), str(own))
    assert cgroups._unified_parent(tree, os.getpid())[0] == str(tmp_path)
    (tmp_path / "cgroup.type").write_text("domain")  # a container's view: not the real root
    assert cgroups._unified_parent(tree, os.getpid()) == (
        "",
        set(),
        "other processes share the host's control group, so it can't be divided",
    )


def test_v2_limits(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "w1"
    folder.mkdir()
    for name in (
        "memory.max",
        "memory.swap.max",
        "memory.oom.group",
        "cpu.weight",
        "cpu.max",
        "pids.max",
        "cgroup.procs",
    ):
        (folder / name).write_text("")
    group = cgroups.Group(dict.fromkeys(("memory", "cpu", "pids"), str(folder)), unified=True)
    group.bound(1 << 27)
    group.weigh(1024)
    assert (folder / "memory.max").read_text() == "134217728"
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "memory.oom.group").read_text() == "1"
    assert (folder / "cpu.weight").read_text() == "100"
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\n")
    assert group.oom_kills() == 2


@pytest.mark.parametrize(("shares", "weight"), [(2, 1), (32, 3), (512, 50), (1024, 100), (262144, 10000)])
def test_v2_a_share_is_an_ordinary_threads_weight(tmp_path: pathlib.Path, shares: int, weight: int) -> None:
    (tmp_path / "cpu.weight").write_text("")
    cgroups.Group({"cpu": str(tmp_path)}, unified=True).weigh(shares)
    assert (tmp_path / "cpu.weight").read_text() == str(weight)


def test_v2_groups_lie_beside_the_instances(tmp_path: pathlib.Path) -> None:
    """For the same reason as in version 1; a group there is one for all controllers."""
    v2_folder(tmp_path, top=True)
    base = tmp_path / "berth-0a-i1"
    v2_folder(base, top=False)
    groups = v2(tmp_path, "/")
    assert groups.bases == dict.fromkeys(("memory", "pids", "cpu"), str(base))
    assert groups.group("w1").folders == dict.fromkeys(("memory", "pids", "cpu"), f"{base}-w1")
    together = groups.common()
    assert together is not None
    assert together.folders == {"cpu": str(tmp_path)}


def test_v2_limits_for_disks_are_handed_on_where_they_are(tmp_path: pathlib.Path) -> None:
    for folder, top in ((tmp_path, True), (tmp_path / "berth-0a-i1", False)):
        v2_folder(folder, top=top, available="cpu io memory pids")
        (folder / "cgroup.subtree_control").write_text("cpu io memory pids")
    assert v2(tmp_path, "/").bases.keys() == {"cpu", "io", "memory", "pids"}


def test_v2_a_controller_that_is_not_handed_on_is_named(tmp_path: pathlib.Path) -> None:
    v2_folder(tmp_path, top=True, available="cpu pids")
    (tmp_path / "cgroup.subtree_control").write_text("cpu pids")
    v2_folder(tmp_path / "berth-0a-i1", top=False)
    groups = v2(tmp_path, "/")
    assert groups.missing == {"memory_limit": f"{tmp_path} doesn't hand on the controller memory"}


@pytest.mark.parametrize(("unified", "file"), [(False, "tasks"), (True, "cgroup.procs")])
def test_only_version_1_is_joined_as_a_thread(tmp_path: pathlib.Path, unified: bool, file: str) -> None:
    """As a process each would wait for the kernel. The kernel puts the file into a new folder; here nobody does."""
    group = cgroups.Group({"memory": str(tmp_path / "w1")}, unified)
    with pytest.raises(FileNotFoundError) as failure:
        group.create_and_join(cgroups.Limits(5, 1.0))
    assert failure.value.filename == str(tmp_path / "w1" / file)


def test_nothing_mounted_is_reported(tmp_path: pathlib.Path) -> None:
    groups = cgroups.prepare_in("", "", "0a", "i1", os.getpid())
    assert groups.missing == dict.fromkeys(
        ("memory_limit", "process_limit", "cpu_limit"), "no control group tree has this controller"
    )


def test_a_tree_without_controllers_is_reported(tmp_path: pathlib.Path) -> None:
    v2_folder(tmp_path, top=True, available="")
    groups = v2(tmp_path, "/")
    assert set(groups.missing) == {"memory_limit", "process_limit", "cpu_limit"}
    assert groups.missing["memory_limit"] == "the host's control group has no controllers to hand on"


def test_of_mounts_only_whole_lines_about_control_groups_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they come while an engine mounts: others, and one torn in the middle."""
    kept = V1_MOUNTS.format(top="/top")
    others = "40 20 0:40 / /merged rw - overlay overlay rw,lowerdir=/a:/b\n41 20 0:41 / - cgroup cgroup\n- cgroup\n"
    monkeypatch.setattr("berth_runtime.cgroups.read", lambda path: kept + others)
    assert cgroups.mounted().splitlines() == kept.splitlines()
