"""What the launcher does once, before there is a zygote: find out, mount, import."""

from __future__ import annotations

import importlib
import os
import secrets
import signal
import sys
from dataclasses import dataclass

from berth_runtime import features, init, io_limits, jail, linux, rehearsal, seccomp, steps, tree, views
from berth_runtime.cgroups import Cgroups, Limits
from berth_runtime.cgroups import prepare as cgroup_place
from berth_runtime.disk_governor import DiskGovernor
from berth_runtime.views import Views
from berth_runtime.volumes import Volumes, usable

_REHEARSALS = 10  # code is rewritten when it has run some eight times


@dataclass
class Settings:
    """The first line of input.

    host: its process id. installation: letters and digits, the same in every run on one data folder. root: an empty
    folder to mount the tree on. runtime: folder of the Python files. socket: path of the host's listening socket.
    usual_memory: the limit that most plugins have, in bytes. volumes: an empty folder to mount plugins' file
    systems in. probe: an image to try that with, "" for none. paths: folders to put on sys.path besides. worker:
    module to run. mode: "zygote", workers are forks of it, or "exec", each is an interpreter of its own.
    """

    host: int
    installation: str
    root: str
    runtime: str
    socket: str
    parked: int
    max_pids: int
    max_cpus: float
    open_files: int
    tmp_mb: int
    worker: str
    paths: list[str]
    usual_memory: int = 512 << 20
    volumes: str = ""
    probe: str = ""
    mode: str = "zygote"


@dataclass(frozen=True)
class Prepared:
    """All that is needed to make sandboxes."""

    jail: jail.Jail
    cgroups: Cgroups
    found: features.Features
    volumes: Volumes | None
    views: Views


@dataclass(frozen=True)
class Ground:
    """What sandboxes can be made of here."""

    cgroups: Cgroups
    filter: seccomp.Filter | None
    found: features.Features


def examine(policy: tuple[seccomp.Filter | None, str], installation: str, host: int) -> Ground:
    """Finds out what can be enforced, for the user this process runs as. Without root it enters a user namespace
    for good. policy: of read_filter. Raises as prepare does."""
    real_root = os.geteuid() == 0
    uids = real_root and _mapped(jail.FIRST_UID, jail.INIT_UID)
    if not real_root:
        _become_root_of_a_namespace()
    cgroups = cgroup_place(installation, secrets.token_hex(4), host)
    filter_, why = policy
    return Ground(cgroups, filter_, features.probe(filter_, why, cgroups, uids))


def prepare(settings: Settings) -> Prepared:
    """Changes this process for good: user namespace (without root), mounts, environment, imports.

    Raises features.Unavailable, steps.StepError, OSError, ImportError or ValueError, whose texts say what is
    missing.
    """
    policy = read_filter(os.path.join(settings.runtime, "berth_runtime", "seccomp.json"))
    ground = examine(policy, settings.installation, settings.host)
    found = ground.found
    os.umask(0o022)
    os.environ.clear()
    os.environ.update(jail.ENVIRONMENT)  # for the workers, which inherit it
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_SLAVE)
    kept = _volumes(settings, found, ground.cgroups)
    sys.path[1:1] = settings.paths
    importlib.import_module(settings.worker)
    del sys.path[1 : 1 + len(settings.paths)]
    with steps.step("rehearse"):
        rehearsal.gather()
        rehearsal.rehearse(_REHEARSALS)
    _point_to_runtime(settings.runtime)
    fresh = settings.mode == "exec"
    if fresh:
        found.enforced.append("own_address_layout")
    # An interpreter of its own imports the worker from the tree, so there have to be these too.
    besides = {path: f"/paths/{i}" for i, path in enumerate(settings.paths)} if fresh else {}
    shown = Views(f"{settings.root}/workspace") if views.PROTECTION in found.enforced else views.PLAIN
    plain = tree.build(settings.root, settings.runtime, besides, shown)
    if plain:
        found.enforced.remove(views.PROTECTION)
        found.miss(views.PROTECTION, "; ".join(f"{path}: {why}" for path, why in plain.items()))
    common = jail.Jail(
        root=settings.root,
        runtime=settings.runtime,
        socket=settings.socket,
        namespaces=found.namespaces,
        landlock=found.landlock,
        filter=ground.filter if found.seccomp else None,
        uids=found.uids,
        drop_groups=found.drop_groups,
        user_namespace=found.user_namespace,
        limits=Limits(settings.max_pids, settings.max_cpus),
        rlimit_processes=found.rlimit_processes,
        open_files=settings.open_files,
        tmp_mb=settings.tmp_mb,
        core_limit=features.core_limit(),
        init=init.prepare(linux.MACHINE),
        # A signal to the host's group or terminal is the host's to answer: it ends our input in its own time.
        signals=linux.ignore_signals([signal.SIGTERM, signal.SIGINT, signal.SIGHUP]),
        title=linux.argument_area(),
        worker=settings.worker,
        fresh=fresh,
        paths=list(besides.values()),
    )
    return Prepared(common, ground.cgroups, found, kept, shown)


def read_filter(path: str) -> tuple[seccomp.Filter | None, str]:
    """The filter for this machine, or why there is none."""
    try:
        return seccomp.Filter(seccomp.build(seccomp.read_policy(path), linux.MACHINE)), ""
    except ValueError as e:
        return None, str(e)


def disk_limits(cgroups: Cgroups) -> io_limits.IoLimits | None:
    """What bounds how fast disks are used; None where workers' groups have nothing for it."""
    limits = io_limits.find()
    return None if limits is not None and limits.unified and "io" not in cgroups.bases else limits


def _volumes(settings: Settings, found: features.Features, cgroups: Cgroups) -> Volumes | None:
    """Where plugins' file systems are mounted; None where they are kept in plain folders."""
    if settings.probe:
        why = usable(settings.probe, settings.volumes)
        if not why:
            found.enforced.append("data_size_limit")
            limits = disk_limits(cgroups)
            if limits is None:
                found.miss("data_rate_limit", io_limits.MISSING)
            else:
                found.enforced.append("data_rate_limit")
            return Volumes(settings.volumes, DiskGovernor(limits))
    else:
        why = "making file systems takes root and mkfs.ext4"
    found.miss("data_size_limit", f"no quota is kept on /data ({why}); single files end at 1 GiB")
    found.miss("data_rate_limit", "only a file system of its own can be bounded in how fast it is written")
    return None


def _mapped(first: int, last: int) -> bool:
    """Whether these uids and gids exist here: in a container they may not."""
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/self/{name}", encoding="ascii") as f:
            ranges = [[int(n) for n in line.split()] for line in f]
        if not any(start <= first and last < start + count for start, _, count in ranges):
            return False
    return True


def _become_root_of_a_namespace() -> None:
    """Without root: a user namespace in which this process may mount. Only its own uid is in it."""
    uid, gid = os.geteuid(), os.getegid()
    with steps.step(
        "enter a user namespace (Berth does not run as root, so it needs unprivileged user namespaces:"
        " sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone and"
        " kernel.apparmor_restrict_unprivileged_userns)"
    ):
        linux.unshare(linux.CLONE_NEWUSER)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"0 {uid} 1"),
            ("gid_map", f"0 {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as f:
                f.write(text)


def _point_to_runtime(runtime: str) -> None:
    """Makes what was imported from the host's folder look, and import more, from where workers see it."""

    def moved(path: str) -> str:
        return tree.RUNTIME + path[len(runtime) :] if path.startswith(runtime) else path

    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.startswith(runtime):
            continue
        module.__file__ = moved(file)
        module.__dict__.pop("__cached__", None)
        spec = module.__spec__
        if spec is not None and spec.submodule_search_locations is not None:
            places = [moved(place) for place in spec.submodule_search_locations]
            spec.submodule_search_locations = places
            module.__path__ = places
    sys.path[:] = [moved(path) for path in sys.path]
    sys.path_importer_cache.clear()
