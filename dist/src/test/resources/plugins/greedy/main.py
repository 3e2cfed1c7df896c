"""Takes until it is refused, and lets the refusal be the call's answer."""

import asyncio
import fcntl
import os
import threading


class Greedy:
    def __init__(self, config):
        pass

    async def execute(self, context):
        done = getattr(self, context["do"])()
        return await done if asyncio.iscoroutine(done) else done

    def nothing(self):
        for folder in ("/data", "/tmp"):
            for name in os.listdir(folder):
                os.unlink(f"{folder}/{name}")
        return {}

    def files(self):
        kept = []
        try:
            while True:
                kept.append(os.open("/dev/null", os.O_RDONLY))
        finally:
            for fd in kept:
                os.close(fd)

    def _fill(self, path):
        # The error of a failed write names no file. What was written stays until `nothing`.
        with open(path, "wb", 0) as f:
            for _ in range(1 << 14):
                f.write(b"x" * 65536)

    def disk(self):
        self._fill("/data/full")

    def tmp(self):
        self._fill("/tmp/full")

    def disk_tidily(self):
        try:
            self._fill("/data/full")
        finally:
            os.unlink("/data/full")

    def _sow(self, folder):
        for i in range(1 << 20):
            os.close(os.open(f"{folder}/{i}", os.O_CREAT | os.O_WRONLY))

    def disk_files(self):
        self._sow("/data")

    def tmp_files(self):
        self._sow("/tmp")

    def huge_file(self):
        with open("/data/huge", "wb") as f:
            f.truncate(1 << 50)

    def threads(self):
        stop = threading.Event()
        kept = []
        try:
            while True:
                thread = threading.Thread(target=stop.wait, daemon=True)
                thread.start()
                kept.append(thread)
        finally:
            stop.set()
            for thread in kept:
                thread.join()

    def locks(self):
        """What is refused for another reason, with the same number."""
        with open("/data/lock", "w") as one, open("/data/lock") as other:
            fcntl.flock(one, fcntl.LOCK_EX)
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def forks(self):
        born = []
        try:
            while True:
                pid = os.fork()
                if pid == 0:
                    try:
                        os.read(os.pipe()[0], 1)
                    finally:
                        os._exit(0)
                born.append(pid)
        finally:
            for pid in born:
                os.kill(pid, 9)
                os.waitpid(pid, 0)

    async def waits(self):
        await asyncio.sleep(60)

    def memory(self):
        kept = []
        while True:
            kept.append(bytearray(b"x" * (1 << 20)))
