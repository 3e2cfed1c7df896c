"""Keeps a number in /data."""

import os
from pathlib import Path

FILE = Path("/data/count")


class Fixture:
    def __init__(self, config):
        self.count = 0

    async def initialize(self):
        if FILE.exists():
            self.count = int(FILE.read_text())
        return True

    async def execute(self, context):
        self.count += 1
        new = FILE.with_suffix(".new")
        new.write_text(str(self.count))
        os.replace(new, FILE)
        return {"count": self.count, "pid": os.getpid()}

    async def cleanup(self):
        pass
