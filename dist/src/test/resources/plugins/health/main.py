"""``{"be": "healthy" | "unhealthy" | "raises" | "hangs" | "odd"}`` sets what health_check does from then on."""

import asyncio


class Health:
    def __init__(self, config):
        self.be = "healthy"

    async def initialize(self):
        return True

    async def execute(self, context):
        self.be = context.get("be", self.be)
        return {"be": self.be}

    async def health_check(self):
        if self.be == "raises":
            raise RuntimeError("not well at all")
        if self.be == "hangs":
            await asyncio.Event().wait()
        if self.be == "odd":
            return 42
        return {"status": self.be, "version": "1.0.0"}

    async def cleanup(self):
        pass
