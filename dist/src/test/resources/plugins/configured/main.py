"""Answers with its settings; the secret as its length."""


class Fixture:
    def __init__(self, config):
        self.config = config

    async def initialize(self):
        return True

    async def execute(self, context):
        shown = dict(self.config)
        shown["token"] = len(shown.get("token", ""))
        return {"config": shown}

    async def cleanup(self):
        pass
