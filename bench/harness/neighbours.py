"""What a well-behaved plugin notices of two dozen that aren't."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .berth import ROOT, Berth, pack
from .load import RawClient
from .peers import ECHO
from .report import Plan, Row, middle, seconds

ATTACKER = ROOT / "bench" / "plugins" / "attacker"
ATTACKS = ("forks", "memory", "spins", "output", "frames", "hangs")
OTHERS = ("forks", "children", "files", "disk", "syncs", "output", "lines", "spins")
ATTACKERS = 24
RATE = 50


def run(plan: Plan) -> list[Row]:
    alone, beside, errors = _measure(plan, ATTACKS, plan.pick(5, 1), ("--max-pids", "64"))
    others_alone, others_beside, others_errors = _measure(plan, OTHERS, plan.pick(3, 1), ())
    limit = max(2 * others_alone, others_alone + 0.02)
    return [
        Row(
            f"victim's p99 at {RATE} calls/s beside {ATTACKERS} attackers ({errors} errors)",
            seconds(beside),
            f"{seconds(alone)}: alone",
            beside / alone,
            2,
            plan.pick(5, 1),
        ),
        Row(
            f"the same beside {ATTACKERS} of eight kinds that also fill disks and logs ({others_errors} errors)",
            seconds(others_beside),
            f"{seconds(limit)}: alone and 20 ms, or twice alone",
            others_beside / limit,
            1,
            plan.pick(3, 1),
        ),
    ]


def _measure(
    plan: Plan, attacks: tuple[str, ...], rounds: int, options: tuple[str, ...]
) -> tuple[float, float, int]:
    """p99 alone, p99 beside attackers, and how many calls failed."""
    length = plan.pick(20, 5)
    with TemporaryDirectory() as folder, closing(Berth(options=options)) as berth:
        victim = berth.install(pack(ECHO, Path(folder)))
        berth.enable(victim)
        attackers = []
        for i in range(ATTACKERS):
            attacker = berth.install(pack(ATTACKER, Path(folder), f"attacker-{i}"))
            berth.enable(attacker)
            attackers.append((attacker, attacks[i % len(attacks)]))
        # The first round is the compilers': of a server that has run for a minute, as most have.
        _calls(berth, victim, 3)
        errors, first = _beside(berth, victim, attackers, length)[1:]
        alone, beside = [], []
        for _ in range(rounds):
            alone.append(_calls(berth, victim, length)["p99"])
            p99, failed, why = _beside(berth, victim, attackers, length)
            beside.append(p99)
            errors += failed
            first = first or why
    if errors:
        print(f"bench: neighbours: {errors} calls of the victim failed, the first: {first}", file=sys.stderr)
    return middle(alone), middle(beside), errors


def _beside(berth: Berth, victim: str, attackers: list[tuple[str, str]], length: float) -> tuple[float, int, str]:
    """The victim's p99 beside the attackers, how many of its calls failed, and the first that did."""
    over = threading.Event()
    threads = [threading.Thread(target=_attack, args=(berth.port, *one, over)) for one in attackers]
    for thread in threads:
        thread.start()
    found = _calls(berth, victim, length)
    over.set()
    for thread in threads:
        thread.join()
    return found["p99"], found["errors"], found["first"]


def _calls(berth: Berth, plugin: str, length: float) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-m", "harness.openloop", str(berth.port), plugin, str(RATE), str(length)],
        cwd=ROOT / "bench",
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _attack(port: int, plugin: str, what: str, over: threading.Event) -> None:
    """Calls it again and again; one that was given up is enabled again, as an attacker's friend would."""
    client = RawClient(port)
    body = json.dumps({"context": {"do": what}}).encode()
    while not over.is_set():
        status, _ = client.request("POST", f"/api/plugins/{plugin}/execute", body)
        if status in (409, 502, 503):
            client.request("POST", f"/api/plugins/{plugin}/enable")
            over.wait(0.05)
    client.close()
