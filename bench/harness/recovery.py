"""How soon all is well again: after the host's sudden death, and after a plugin that hangs."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from . import proc
from .berth import Berth, pack
from .containers import OPTIONS, engine
from .neighbours import ATTACKER
from .peers import ECHO
from .report import Plan, Row, Unavailable, middle, seconds

PATIENCE = 120  # seconds


def back(plan: Plan) -> list[Row]:
    """From kill -9 of the host to the last of its plugins answering again."""
    rows = [_back(plan, "process", (), 5.0, plan.pick(5, 1))]
    try:
        engine()
    except Unavailable:
        return rows
    return [*rows, _back(plan, "Docker", OPTIONS, 60.0, plan.pick(3, 1))]


def _back(plan: Plan, kind: str, options: tuple[str, ...], limit: float, rounds: int) -> Row:
    count = plan.pick(100, 10)
    with TemporaryDirectory(prefix="berth-bench-") as name:
        folder = Path(name)
        berth = Berth(options=options, folder=folder)
        try:
            plugins = []
            for i in range(count):
                archive = pack(ECHO, folder, f"echo-{i}")
                plugins.append(berth.install(archive))
                archive.unlink()
            for plugin in plugins:
                berth.enable(plugin)
            taken = []
            for _ in range(rounds):
                begun = time.perf_counter()
                berth.kill()
                berth = Berth(options=options, folder=folder)
                for plugin in plugins:
                    _answers(berth, plugin)
                taken.append(time.perf_counter() - begun)
        finally:
            berth.close()
    back = middle(taken)
    return Row(
        f"{kind}: {count} enabled plugins answer again after kill -9 of the host",
        f"{seconds(back)}, worst {seconds(max(taken))}",
        f"{seconds(limit)}: the limit",
        back / limit,
        1,
        rounds,
    )


def _answers(berth: Berth, plugin: str) -> None:
    """Asks until it answers: a call waits for its worker as long as its time limit, and is refused at once while
    the dead host's folders are mounted still."""
    body = json.dumps({"context": {}}).encode()
    deadline = time.perf_counter() + PATIENCE
    while True:
        status, answer = berth.client.request("POST", f"/api/plugins/{plugin}/execute", body)
        if status == 200:
            return
        if status not in (503, 504) or time.perf_counter() > deadline:
            raise RuntimeError(f"{plugin} did not answer: {status} {answer.decode(errors='replace')[:2000]}")
        time.sleep(0.1)


def hung(plan: Plan) -> list[Row]:
    """A call past its two seconds in a plugin that ignores its cancellation, and in one that spins."""
    late, gone = [], []
    with TemporaryDirectory() as folder, closing(Berth()) as berth:
        for i in range(plan.pick(5, 2)):
            for what in ("hangs", "spins"):
                plugin = berth.install(pack(ATTACKER, Path(folder), f"{what}-{i}"))
                berth.enable(plugin)
                berth.execute(plugin, {"do": "nothing"})
                workers = set(proc.titled(berth.pids(), f"berth-worker {plugin}"))
                if not workers:
                    raise RuntimeError(f"the worker of {plugin} is not among the server's processes")
                begun = time.perf_counter()
                berth.execute(plugin, {"do": what}, status=504)
                answered = time.perf_counter()
                late.append(answered - begun - 2)
                while workers & set(proc.titled(berth.pids(), f"berth-worker {plugin}")):
                    time.sleep(0.005)
                gone.append(time.perf_counter() - answered)
                berth.ask("DELETE", f"/api/plugins/{plugin}")
    worst, last = max(late), max(gone)
    return [
        Row(
            f"hung plugin: answer after its timeout, worst of {len(late)}",
            f"+ {seconds(middle(late))}, worst {seconds(worst)}",
            "250 ms: the limit",
            worst / 0.25,
            1,
            len(late),
        ),
        Row(
            f"hung plugin: every process of it gone, worst of {len(gone)}",
            f"{seconds(middle(gone))}, worst {seconds(last)}",
            "2.5 s: the limit",
            last / 2.5,
            1,
            len(gone),
        ),
    ]
