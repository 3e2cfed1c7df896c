"""What a call costs beside many other plugins."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from . import proc
from .berth import Berth, pack
from .calls import BODY
from .load import wrk
from .peers import ECHO
from .report import Plan, Row, in_turn, middle, seconds


def run(plan: Plan) -> list[Row]:
    installed, enabled = plan.pick(2000, 100), plan.pick(200, 20)
    cpus = sorted(os.sched_getaffinity(0))
    client, rest = ({cpus[0]}, {cpus[-1]})
    with TemporaryDirectory() as folder, closing(Berth()) as few, closing(Berth()) as many:
        few_plugin = few.install(pack(ECHO, Path(folder)))
        few.enable(few_plugin)
        plugins = []
        for i in range(installed):
            archive = pack(ECHO, Path(folder), f"echo-{i}")
            plugins.append(many.install(archive))
            archive.unlink()
        for plugin in plugins[:enabled]:
            many.enable(plugin)
        for berth in (few, many):
            proc.pin(berth.pids(), rest)

        def p50(berth: Berth, plugin: str) -> float:
            return wrk(f"{berth.url}/api/plugins/{plugin}/execute", BODY, 1, plan.seconds, client).p50

        sides = {"one": lambda: p50(few, few_plugin), "many": lambda: p50(many, plugins[enabled // 2])}
        taken = in_turn(plan, sides)
    one, among = middle(taken["one"]), middle(taken["many"])
    return [
        Row(
            f"p50 with {installed} installed and {enabled} enabled",
            seconds(among),
            f"{seconds(one)}: with 1",
            among / one,
            1.1,
            plan.rounds,
        )
    ]
