"""Exec mode: a parked child becomes an interpreter of its own before it learns whose worker it is to be.

A fork of the zygote shares its address-space layout and hash seed with every other worker: what one plugin
finds out about itself then holds for all. Here each has its own. The child has all that `park` does behind it
when it runs the interpreter, which is the one of the read-only tree: no file of the host's is left to be run in
its place. What it still may, it loses when the plugin is known, by the code that a forked child goes through;
nothing is executed after that, which would make the process dumpable again. The new interpreter has imported
all it needs and waits before it is asked for, so enabling a plugin takes no longer. The price is memory, and
the time to park.

No secret passes: the order with the token comes over the control socket, as it does to a fork.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import json
import os
import socket
import sys
from typing import Any, NoReturn

from berth_runtime import entry, linux, tree
from berth_runtime.cgroups import Limits
from berth_runtime.jail import ENVIRONMENT, Jail
from berth_runtime.seccomp import Filter
from berth_runtime.steps import StepError, fail

_MAIN = f"import sys; sys.path.insert(0, {tree.RUNTIME!r}); from berth_runtime import fresh; fresh.main()"
_TITLE_ROOM = 128  # the kernel shows no more of a title than the arguments took


def become(common: Jail, control: int, host: int, owner: int) -> NoReturn:
    """Replaces this process's program; main is what goes on. Raises OSError when that fails."""
    told = os.memfd_create("berth-worker", 0)
    for fd in (control, host):
        os.set_inheritable(fd, True)
    with os.fdopen(os.dup(told), "wb") as f:
        f.write(_told(common))
    python = os.path.realpath(sys.executable)
    numbers = [str(number) for number in (told, control, host, owner)]
    # Without an environment: what the kernel keeps of it could be read later, and main sets what plugins get.
    os.execve(python, [python, "-I", "-S", "-X", "utf8", "-c", _MAIN, *numbers, " " * _TITLE_ROOM], {})


def main() -> NoReturn:
    """The new program: imports what a worker needs, then waits as a fork of the zygote would."""
    told, control, host, owner = (int(number) for number in sys.argv[1:5])
    launcher = socket.socket(fileno=control)
    try:
        common = _prepare(told)
    except BaseException as e:
        fail(launcher, StepError("import the worker in a fresh interpreter", e))
    entry.wait_and_work(common, launcher, host, owner)


def _prepare(told: int) -> Jail:
    with os.fdopen(told, "rb") as f:
        f.seek(0)
        common = _understood(f.read())
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    sys.path[1:1] = common.paths
    importlib.import_module(common.worker)
    del sys.path[1 : 1 + len(common.paths)]
    sys.argv = [""]
    gc.collect()
    gc.disable()
    gc.freeze()
    return common


def _told(common: Jail) -> bytes:
    fields: dict[str, Any] = {f.name: getattr(common, f.name) for f in dataclasses.fields(common)}
    fields["limits"] = dataclasses.asdict(common.limits)
    fields["filter"] = None if common.filter is None else common.filter.program.hex()
    return json.dumps(fields).encode()


def _understood(data: bytes) -> Jail:
    fields: dict[str, Any] = json.loads(data)
    fields["limits"] = Limits(**fields["limits"])
    if fields["filter"] is not None:
        fields["filter"] = Filter(bytes.fromhex(fields["filter"]))
    fields["title"] = linux.argument_area()
    return Jail(**fields)
