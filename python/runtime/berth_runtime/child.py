"""What the launcher knows of one sandbox."""

from __future__ import annotations

import signal
import socket
from dataclasses import dataclass
from typing import Any

from berth_runtime.cgroups import Group


@dataclass
class Child:
    """A sandbox, from its fork to its end.

    number: what the launcher and the host call it. state: parking, parked or running. worker: the process in it
    that waits. view: a descriptor of its mount namespace, from when it is parked until it has its folders. memory:
    the limit that is set for it, in bytes. told: whether the host knows whose it is. failure: the step, why, and
    whether that is of the plugin's making (steps.PluginsOwn).
    """

    number: int
    pid: int
    pidfd: int
    control: socket.socket
    status: int
    group: Group
    state: str = "parking"
    worker: int = 0
    view: int = -1
    memory: int = 0
    told: bool = False
    request: dict[str, Any] | None = None
    failure: tuple[str, str, bool] | None = None
    ending: bool = False
    volume: str | None = None

    def kill(self) -> None:
        """Kills its init, and so all of it."""
        try:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it is ending already
