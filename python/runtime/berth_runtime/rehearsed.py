"""The plugin of a rehearsal; see rehearsal.py."""

from __future__ import annotations

from typing import Any


class Rehearsed:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    async def initialize(self) -> bool:
        return True

    async def execute(self, context: dict[str, Any]) -> dict[str, Any]:
        return context
