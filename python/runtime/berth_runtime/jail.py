"""What the sandboxes of one launcher have in common: how they are made (parking.py) and entered (entry.py)."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from berth_runtime import tree
from berth_runtime.cgroups import Limits
from berth_runtime.seccomp import Filter

FIRST_UID = 200_000
LAST_UID = 257_343
# Nobody runs as these. Each user namespace belongs to one: what the kernel counts for an owner, too, is not root's
# then (see linux.enter_user_namespace).
FIRST_OWNER, LAST_OWNER = 257_344, 265_534
INIT_UID = 265_535  # the inits' own: no plugin can signal or look into its init


def owner(number: int) -> int:
    """Of the user namespace of a launcher's child with this number."""
    return FIRST_OWNER + number % (LAST_OWNER - FIRST_OWNER + 1)


ENVIRONMENT = {
    "PATH": os.path.dirname(os.path.realpath(sys.executable)) + ":/usr/bin:/bin",
    "PYTHONPATH": "/workspace:/site:" + tree.RUNTIME,
    "HOME": "/data",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
}


@dataclass(frozen=True)
class Jail:
    """What all sandboxes of a launcher have in common.

    root: where the tree is mounted. socket: path of the host's listening socket. namespaces: CLONE_ flags that
    this kernel has, without user and pid. landlock: its ABI, 0 for none. filter: None when this kernel has no
    seccomp. uids: whether each plugin can have a uid of its own. drop_groups: whether supplementary groups can be
    dropped. user_namespace: whether the worker gets one of its own. core_limit: RLIMIT_CORE. init: of init.prepare.
    signals: of linux.ignore_signals. title: of linux.argument_area.
    worker: module with begin(), which gives what serves a socket and returns a status. fresh: whether each becomes
    an interpreter of its own, see fresh.py. paths: folders of the tree that the worker's module is looked for in
    besides.
    """

    root: str
    runtime: str
    socket: str
    namespaces: int
    landlock: int
    filter: Filter | None
    uids: bool
    drop_groups: bool
    user_namespace: bool
    limits: Limits
    rlimit_processes: bool
    open_files: int
    tmp_mb: int
    core_limit: int
    init: int
    signals: list[tuple[int, int]]
    title: tuple[int, int]
    worker: str
    fresh: bool
    paths: list[str]
