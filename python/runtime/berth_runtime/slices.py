"""How long a thread runs at a time where others wait for its CPU, in nanoseconds; before Linux 6.12 all as long."""

from __future__ import annotations

from berth_runtime import linux

SHORT_SLICE = 100_000  # the least that the kernel takes; for who only ever runs for a moment
LONG_SLICE = 3_000_000  # less than a tick of 4 ms; with 20 ms others wait for all of that
USUAL_SLICE = 0


def set_slice(thread: int, nanos: int) -> bool:
    """What the thread starts has the slice, too, unless it is short: that is for who answers calls."""
    try:
        linux.set_slice(thread, nanos, nanos != SHORT_SLICE)
    except OSError:
        return False  # it is ending, or the kernel or a container's profile won't have it
    return True
