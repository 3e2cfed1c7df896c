import asyncio


class Fixture:
    def __init__(self, config):
        self.config = config

    async def initialize(self):
        await asyncio.Event().wait()

    async def execute(self, context):
        return {}

    async def cleanup(self):
        pass
