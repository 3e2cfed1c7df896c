class Fixture:
    def __init__(self, config):
        self.config = config

    async def initialize(self):
        raise RuntimeError("no database")

    async def execute(self, context):
        return {}

    async def cleanup(self):
        pass
