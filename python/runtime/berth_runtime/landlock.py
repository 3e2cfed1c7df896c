"""Landlock: a second lock on the file tree, in case the first (the mount namespace) has a flaw. See landlock(7)."""

from __future__ import annotations

import os
import struct

from berth_runtime import linux

_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH = 1

_EXECUTE = 1
_WRITE_FILE = 2
_READ_FILE = 4
_READ_DIR = 8
_ALL_OF_ABI_1 = (1 << 13) - 1
_REFER = 1 << 13  # ABI 2
_TRUNCATE = 1 << 14  # ABI 3
_IOCTL_DEV = 1 << 15  # ABI 5
_SCOPE_ALL = 3  # abstract unix sockets and signals, ABI 6

_READ = _EXECUTE | _READ_FILE | _READ_DIR


def version() -> int:
    """The kernel's Landlock ABI, 0 when it has none or it is switched off."""
    try:
        return linux.syscall("landlock_create_ruleset", 0, 0, _VERSION)
    except OSError:
        return 0


def restrict(abi: int, writable: list[str]) -> None:
    """Confines the calling thread and what it starts: everything may be read and run, only what lies below
    `writable` and the devices may be written. Needs no_new_privs."""
    Ruleset(abi).restrict(writable)


class Ruleset:
    """What `restrict` does in two parts: all of it that needs no `writable` is done when this is made."""

    def __init__(self, abi: int) -> None:
        self._handled = handled = _handled(abi)
        attributes = struct.pack("QQQ", handled, 0, _SCOPE_ALL if abi >= 6 else 0)
        size = 24 if abi >= 6 else 16 if abi >= 4 else 8
        self._fd = linux.syscall("landlock_create_ruleset", attributes[:size], size, 0)
        _allow(self._fd, "/", _READ & handled)
        _allow(self._fd, "/dev", (_READ_FILE | _READ_DIR | _WRITE_FILE | _TRUNCATE) & handled)

    def restrict(self, writable: list[str]) -> None:
        """Once: it is closed then."""
        try:
            for path in writable:
                _allow(self._fd, path, self._handled & ~_IOCTL_DEV)
            linux.syscall("landlock_restrict_self", self._fd, 0)
        finally:
            os.close(self._fd)


def _handled(abi: int) -> int:
    handled = _ALL_OF_ABI_1
    if abi >= 2:
        handled |= _REFER
    if abi >= 3:
        handled |= _TRUNCATE
    if abi >= 5:
        handled |= _IOCTL_DEV
    return handled


def _allow(ruleset: int, path: str, access: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        linux.syscall("landlock_add_rule", ruleset, _PATH_BENEATH, struct.pack("<Qi", access, fd), 0)
    finally:
        os.close(fd)
