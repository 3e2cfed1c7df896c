"""How soon a server that was started can work."""

from __future__ import annotations

from contextlib import closing

from .berth import Berth
from .report import Plan, Row, in_turn, middle, seconds


def run(plan: Plan) -> list[Row]:
    def ready(options: str) -> float:
        with closing(Berth({"BERTH_JAVA_OPTS": options})) as berth:
            return berth.ready_seconds

    taken = in_turn(
        plan, {"with": lambda: ready(""), "without": lambda: ready("-XX:AOTMode=off -XX:-AutoCreateSharedArchive")}
    )
    with_cache, without = middle(taken["with"]), middle(taken["without"])
    return [
        Row(
            "start of the server to ready, AOT cache",
            seconds(with_cache),
            f"{seconds(without)}: without it",
            with_cache / without,
            0.6,
            plan.rounds,
        )
    ]
