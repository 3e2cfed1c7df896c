"""What the specification's integration test installs."""


class Fixture:
    def __init__(self, config):
        self.config = config

    async def initialize(self):
        return True

    async def execute(self, context):
        return {"success": True, "result": context}

    async def cleanup(self):
        pass
