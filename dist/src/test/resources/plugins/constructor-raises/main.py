class Fixture:
    def __init__(self, config):
        raise ValueError("Missing required config: ['api_key']")

    async def initialize(self):
        return True

    async def execute(self, context):
        return {}

    async def cleanup(self):
        pass
