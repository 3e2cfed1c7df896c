"""Folders mounted for an engine to see while it makes a container, and taken away after that."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Dict, List

from berth_runtime import linux
from berth_runtime.mounts import ACCESS
from berth_runtime.steps import step
from berth_runtime.within import within


class Placing:
    """outside: the mount namespace that the engine sees, as a descriptor. places: the folder for all places, which
    need not be there."""

    def __init__(self, outside: int, places: str) -> None:
        self._outside = outside
        self._places = places

    def put(self, place: str, mounts: List[Dict[str, Any]], detached: List[int]) -> None:
        """Mounts what is nowhere yet at the mounts' targets, each a new folder in `place`, which is new, too.
        Raises ValueError; nothing is there then."""

        def work() -> None:
            os.makedirs(place, 0o700)
            for mount, fd in zip(mounts, detached):
                with step(f"mount {mount['source']} for the engine"):
                    os.mkdir(mount["target"], 0o700)
                    linux.attach_tree(fd, mount["target"])
                    linux.restrict(mount["target"], ACCESS[mount["access"]])

        try:
            within(self._outside, work)
        except ValueError:
            with contextlib.suppress(ValueError):
                self.take_away(place)
            raise

    def take_away(self, place: str) -> None:
        """Raises ValueError, when something is left."""
        within(self._outside, lambda: _clear(place))

    def clear(self) -> None:
        """Takes away all that is placed, by whichever process: one may have been killed."""

        def work() -> None:
            with contextlib.suppress(FileNotFoundError):
                for place in os.listdir(self._places):
                    _clear(os.path.join(self._places, place))

        within(self._outside, work)


def _clear(place: str) -> None:
    for name in os.listdir(place):
        target = os.path.join(place, name)
        with contextlib.suppress(OSError):  # none was mounted there yet
            linux.unmount(target)
        os.rmdir(target)  # fails, rather than delete what is a plugin's
    os.rmdir(place)
