"""What every measured side runs: the plugin costs nothing, so what is measured is the way to it and back."""

from __future__ import annotations

from typing import Any


class Echo:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    async def initialize(self) -> bool:
        return True

    async def execute(self, context: dict[str, Any]) -> dict[str, Any]:
        return context

    async def cleanup(self) -> None:
        pass
