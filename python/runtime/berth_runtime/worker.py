"""The worker: one plugin, answering the host over one socket (see protocol/README.md)."""

from __future__ import annotations

import socket


def run(channel: socket.socket) -> int:
    """Serve one plugin until the host shuts it down, and return the process's exit status.

    To be called once, in the process's main thread, after isolation. ``channel`` is the connected
    stream socket, past the launcher's token line. Plugin threads may still run when this returns,
    so the caller ends the process with ``os._exit(status)``. When the channel ends unasked, the
    process ends at once, without returning.
    """
    raise NotImplementedError("The worker comes with a later commit.")
