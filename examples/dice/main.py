"""Rolls dice for a chat."""

from __future__ import annotations

import random
from typing import Any

from notation import NotationError, Outcome, Roll, parse, throw

# From the operating system: workers are forked from one process, so the state of `random` itself is shared.
die = random.SystemRandom().randint


class Dice:
    """``/roll 2d6+3``, see notation.py for all it reads."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.max_dice = int(config.get("max_dice", 1000))

    async def initialize(self) -> bool:
        return True

    async def execute(self, context: dict[str, Any]) -> dict[str, Any]:
        """``context["message"]`` is a roll, with or without ``/roll`` before it."""
        message = str(context.get("message", "")).strip()
        if message.split(maxsplit=1)[:1] == ["/roll"]:
            message = message[len("/roll") :]
        return self.roll(message)

    async def cleanup(self) -> None:
        pass

    def health_check(self) -> dict[str, Any]:
        return {"status": "healthy"}

    def roll(self, text: str) -> dict[str, Any]:
        try:
            roll = parse(text)
            outcomes = throw(roll, die, self.max_dice)
        except NotationError as e:
            return {"success": False, "error": str(e), "position": e.position}
        except ValueError as e:
            return {"success": False, "error": f"{e} At most {self.max_dice}."}
        return {
            "success": True,
            "text": _text(roll, outcomes),
            "label": roll.label,
            "totals": [outcome.total for outcome in outcomes],
            "rolls": [[[one.value for one in shown] for _, shown in outcome.dice] for outcome in outcomes],
        }


def _text(roll: Roll, outcomes: list[Outcome]) -> str:
    """``2d6 [3, 5] + 3 = 11``; dice that don't count stand in parentheses."""
    lines = []
    for outcome in outcomes:
        shown = iter(outcome.dice)
        parts = []
        for i, term in enumerate(roll.terms):
            sign = "-" if term.sign < 0 else "+" if i else ""
            what = term.source
            if term.is_dice:
                dice = ", ".join(str(one.value) if one.kept else f"({one.value})" for one in next(shown)[1])
                what = f"{term.source} [{dice}]"
            parts.append(f"{sign} {what}" if i else sign + what)
        lines.append(f"{' '.join(parts)} = {outcome.total}")
    text = "\n".join(lines)
    return f"{roll.label}: {text}" if roll.label else text


async def on_command(command: str, args: list[str]) -> dict[str, Any]:
    """The chat's ``/roll``, with what followed it."""
    if command != "/roll":
        return {"error": "Unknown command"}
    return Dice({}).roll(" ".join(args))
