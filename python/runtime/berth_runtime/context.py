"""Writes a package as a tar archive to standard output, for an engine that builds its Dockerfile."""

from __future__ import annotations

import sys
import tarfile
from typing import Optional


def main(folder: str) -> None:
    """Files and folders alone, belonging to root, whoever has them here."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        archive.add(folder, arcname=".", filter=_plain)


def _plain(member: tarfile.TarInfo) -> Optional[tarfile.TarInfo]:
    if not member.isfile() and not member.isdir():
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member
