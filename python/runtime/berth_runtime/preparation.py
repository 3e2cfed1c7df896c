"""What the launcher does once, before there is a zygote: find out, mount, import."""

from __future__ import annotations

import importlib
import os
import secrets
import signal
import sys
from dataclasses import dataclass

from berth_runtime import features, init, jail, linux, rehearsal, seccomp, tree
from berth_runtime.cgroups import Cgroups, Limits
from berth_runtime.cgroups import prepare as cgroup_place

_REHEARSALS = 10  # code is rewritten when it has run some eight times


@dataclass
class Settings:
    """The first line of input.

    host: its process id. installation: letters and digits, the same in every run on one data folder. root: an empty
    folder to mount the tree on. runtime: folder of the Python files. socket: path of the host's listening socket.
    paths: folders to put on sys.path besides. worker: module to run.
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


@dataclass(frozen=True)
class Prepared:
    """All that is needed to make sandboxes."""

    jail: jail.Jail
    cgroups: Cgroups
    found: features.Features


def prepare(settings: Settings) -> Prepared:
    """Changes this process for good: user namespace (without root), mounts, environment, imports.

    Raises features.Unavailable, jail.StepError, OSError, ImportError or ValueError, whose texts say what is
    missing.
    """
    real_root = os.geteuid() == 0
    uids = real_root and _mapped(jail.FIRST_UID, jail.INIT_UID)
    if not real_root:
        _become_root_of_a_namespace()
    os.umask(0o022)
    os.environ.clear()
    os.environ.update(jail.ENVIRONMENT)  # for the workers, which inherit it
    instance = secrets.token_hex(4)
    cgroups = cgroup_place(settings.installation, instance, settings.host)
    filter_, why = _filter(os.path.join(settings.runtime, "berth_runtime", "seccomp.json"))
    found = features.probe(filter_, why, cgroups, uids)
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_SLAVE)
    sys.path[1:1] = settings.paths
    importlib.import_module(settings.worker)
    del sys.path[1 : 1 + len(settings.paths)]
    with jail.step("rehearse"):
        rehearsal.gather()
        rehearsal.rehearse(_REHEARSALS)
    _point_to_runtime(settings.runtime)
    tree.build(settings.root, settings.runtime)
    common = jail.Jail(
        root=settings.root,
        runtime=settings.runtime,
        socket=settings.socket,
        namespaces=found.namespaces,
        landlock=found.landlock,
        filter=filter_ if found.seccomp else None,
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
    )
    return Prepared(common, cgroups, found)


def _filter(path: str) -> tuple[seccomp.Filter | None, str]:
    """The filter for this machine, or why there is none."""
    try:
        return seccomp.Filter(seccomp.build(seccomp.read_policy(path), linux.MACHINE)), ""
    except ValueError as e:
        return None, str(e)


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
    with jail.step(
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
