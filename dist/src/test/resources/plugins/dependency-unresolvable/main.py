class Fixture:
    def __init__(self, config):
        self.config = config

    async def initialize(self):
        return True

    async def execute(self, context):
        return {}

    async def cleanup(self):
        pass
