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
EACH = 4
RATE = 50


def run(plan: Plan) -> list[Row]:
    length, rounds = plan.pick(20, 5), plan.pick(5, 1)
    with TemporaryDirectory() as folder, closing(Berth(options=("--max-pids", "64"))) as berth:
        victim = berth.install(pack(ECHO, Path(folder)))
        berth.enable(victim)
        attackers = []
        for i in range(len(ATTACKS) * EACH):
            attacker = berth.install(pack(ATTACKER, Path(folder), f"attacker-{i}"))
            berth.enable(attacker)
            attackers.append((attacker, ATTACKS[i % len(ATTACKS)]))
        _calls(berth, victim, 3)
        alone, beside = [], []
        errors = 0
        first = ""
        for _ in range(rounds):
            alone.append(_calls(berth, victim, length)["p99"])
            over = threading.Event()
            threads = [threading.Thread(target=_attack, args=(berth.port, *one, over)) for one in attackers]
            for thread in threads:
                thread.start()
            found = _calls(berth, victim, length)
            over.set()
            for thread in threads:
                thread.join()
            beside.append(found["p99"])
            errors += found["errors"]
            first = first or found["first"]
    a, b = middle(alone), middle(beside)
    if errors:
        print(f"bench: neighbours: {errors} calls of the victim failed, the first: {first}", file=sys.stderr)
    return [
        Row(
            f"victim's p99 at {RATE} calls/s beside {len(attackers)} attackers ({errors} errors)",
            seconds(b),
            f"{seconds(a)}: alone",
            b / a,
            2,
            rounds,
        )
    ]


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
