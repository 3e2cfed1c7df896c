"""Bounds what the kernel keeps for a sandbox's own network, in which there is nothing but the sandbox itself.

Much of that is charged to nobody. A connection that waits to be accepted is no part of any control group's memory,
nor is what was sent over it, and one that is over is kept for a minute: a plugin that connected to itself without
end had 290 MiB of the machine's memory each second. Both are bounded by their addresses: 64 ports, for those who
listen and those who connect, on one address of IPv4 and one of IPv6; 32 connections wait at each port.
"""

from __future__ import annotations

import os

from berth_runtime import linux

PROTECTION = "connection_limit"

# Of the network namespace that the writer is in; Documentation/networking/ip-sysctl.rst. The ports that anybody may
# have begin where those begin that the kernel chooses, which therefore come first.
_SETTINGS = (
    ("net/core/somaxconn", "32"),
    ("net/ipv4/ip_local_port_range", "65472 65535"),
    ("net/ipv4/ip_unprivileged_port_start", "65472"),
    ("net/ipv4/tcp_max_tw_buckets", "16"),
    ("net/ipv4/tcp_rmem", "4096 16384 6291456"),
)


def bound() -> str:
    """Sets the limits, as many as can be, in the network namespace that this process is in, with /proc/sys at its
    place. Why not all; empty when all were."""
    why = ""
    for name, value in _SETTINGS:
        try:
            fd = os.open(f"/proc/sys/{name}", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(fd, value.encode())
            finally:
                os.close(fd)
        except OSError as e:
            why = why or f"/proc/sys/{name} can't be set: {e.strerror}"
    return why


def problem() -> str:
    """As bound(), tried in a network namespace that this process is left in."""
    try:
        linux.unshare(linux.CLONE_NEWNET)
        return bound()
    except OSError as e:
        return str(e)
