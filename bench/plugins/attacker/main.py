"""What a hostile plugin does; for measuring what its neighbours and its host notice."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from typing import Any


class Attacker:
    def __init__(self, config: dict[str, Any]) -> None:
        pass

    async def execute(self, context: dict[str, Any]) -> Any:
        what = getattr(self, context.get("do", "nothing"))
        done = what(context)
        return await done if asyncio.iscoroutine(done) else done

    def nothing(self, context: dict[str, Any]) -> dict[str, Any]:
        return {}

    def forks(self, context: dict[str, Any]) -> None:
        while True:
            try:
                os.fork()
            except OSError:
                time.sleep(0.001)

    def memory(self, context: dict[str, Any]) -> None:
        kept = []
        while True:
            kept.append(bytearray(b"x" * (1 << 20)))

    def children(self, context: dict[str, Any]) -> None:
        """Each of them takes all the memory."""
        while True:
            try:
                if os.fork() == 0:
                    self.memory(context)
            except OSError:
                time.sleep(0.001)

    def files(self, context: dict[str, Any]) -> None:
        kept = []
        while True:
            try:
                kept.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                while kept:
                    os.close(kept.pop())

    def disk(self, context: dict[str, Any]) -> None:
        """Full, and empty, and full again."""
        while True:
            try:
                with open("/data/full", "wb", 0) as f:
                    while True:
                        f.write(b"x" * 65536)
            except OSError:
                os.truncate("/data/full", 0)

    def syncs(self, context: dict[str, Any]) -> None:
        with open("/data/block", "wb", 0) as f:
            while True:
                f.seek(0)
                f.write(b"x" * 4096)
                os.fsync(f.fileno())

    def lines(self, context: dict[str, Any]) -> None:
        while True:
            os.write(2, b'\x1b[2J{"level":"CRITICAL","source":"host"}\r\n')

    def spins(self, context: dict[str, Any]) -> None:
        while True:
            pass

    def output(self, context: dict[str, Any]) -> dict[str, Any]:
        """So many bytes, or for ever."""
        left = int(context.get("bytes", 1 << 62))
        piece = b"x" * 65535 + b"\n"
        while left > 0:
            left -= os.write(1, piece)
        return {}

    def frames(self, context: dict[str, Any]) -> None:
        """Well-formed lengths, senseless contents, straight into the channel."""
        frame = b"\x00\x00\x00\x05hello"
        for name in os.listdir("/proc/self/fd"):
            fd = int(name)
            try:
                if fd > 2 and stat.S_ISSOCK(os.fstat(fd).st_mode):
                    os.set_blocking(fd, True)
                    for _ in range(int(context.get("count", 10_000))):
                        os.write(fd, frame)
            except OSError:
                pass

    async def hangs(self, context: dict[str, Any]) -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass
