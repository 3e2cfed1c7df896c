class Fixture:
    def __init__(self, config):
        self.config = config

    async def initialize(self):
        return False

    async def execute(self, context):
        return {"version": "2.0.0"}

    async def cleanup(self):
        pass
