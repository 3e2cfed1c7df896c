"""The governor of plugins that run in containers, whose groups the engine has made.

Beside it the engine knows nothing but weights that stay as they are: a plugin that wakes for a moment's work waited
100 ms and more behind ten that burnt.
"""

from __future__ import annotations

import contextlib
from typing import Dict, Optional

from berth_runtime import cgroups
from berth_runtime.cgroups import Group
from berth_runtime.governor import Governor


class ContainerGovernor:
    """As Governor, for containers, which are known by their first process."""

    def __init__(self, host: int) -> None:
        self._host = host
        self._mounted = cgroups.mounted()
        self._groups: Dict[int, Group] = {}
        # Whose common group is what the engine puts all containers into, known from the first one on.
        self._governor: Optional[Governor] = None

    def take(self, pid: int, name: str, shares: int) -> None:
        """A container has become a plugin's, and has its weight. Without effect where its group can't be seen, as
        when it has ended already."""
        with contextlib.suppress(OSError):
            group = cgroups.of_process(pid, self._mounted)
            if group is None:
                return
            if self._governor is None:
                self._governor = Governor(group.around(), self._host)
            self._governor.take(name, group, shares, _worker(pid))
            self._groups[pid] = group

    def give_back(self, pid: int) -> None:
        """A container has ended; without effect for one that was never taken."""
        group = self._groups.pop(pid, None)
        if group is not None and self._governor is not None:
            self._governor.give_back(group)

    def next(self) -> Optional[float]:
        """As Governor's."""
        return self._governor.next() if self._governor is not None else None

    def look(self) -> None:
        """As Governor's."""
        if self._governor is not None:
            self._governor.look()


def _worker(init: int) -> int:
    """The thread that answers calls: of the first process that the container's init has started. An isolating
    runtime's process has none here, and is taken itself."""
    children = cgroups.read(f"/proc/{init}/task/{init}/children").split()
    return int(children[0]) if children else init
