"""bench/run: measures, prints the table, writes it to bench/results/latest.md."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

from . import calls, containers, endurance, lifecycle, memory, neighbours, recovery, scale, start
from .berth import ROOT
from .report import Plan, Row, Unavailable, machine, table

PARTS: dict[str, Callable[[Plan], list[Row]]] = {
    "calls": calls.run,
    "enable": lifecycle.enable,
    "memory": memory.run,
    "install": lifecycle.install,
    "start": start.run,
    "scale": scale.run,
    "crash": lifecycle.crash,
    "containers": containers.run,
    "neighbours": neighbours.run,
    "recovery": recovery.back,
    "hung": recovery.hung,
    "cycles": endurance.cycles,
    "floods": endurance.floods,
}
RESULTS = ROOT / "bench" / "results" / "latest.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer and shorter rounds, about three minutes; not written"
    )
    parser.add_argument("--only", metavar="NAME[,NAME]", help="these parts alone; not written")
    parser.add_argument("--list", action="store_true", help="the parts there are")
    options = parser.parse_args()
    if options.list:
        print("\n".join(PARTS))
        return 0
    names = options.only.split(",") if options.only else list(PARTS)
    if unknown := set(names) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    # Builds, when a source is newer than the build, so that no measurement waits for Maven.
    subprocess.run([ROOT / "berth", "--version"], check=True, stdout=subprocess.DEVNULL)
    plan = Plan(options.quick)
    rows: list[Row] = []
    failed = []
    for name in names:
        begun = time.monotonic()
        try:
            rows += PARTS[name](plan)
        except Unavailable as e:
            print(f"bench: {name} is left out: {e}", file=sys.stderr)
        except (OSError, RuntimeError, subprocess.SubprocessError) as e:
            failed.append(name)
            print(f"bench: {name} could not be measured: {e}", file=sys.stderr)
        print(f"bench: {name} took {time.monotonic() - begun:.0f} s", file=sys.stderr)
    text = f"{table(rows)}\n\nMedians of so many rounds as the row says, every side in turn, on {machine()}.\n"
    print(text)
    if not failed and not options.quick and not options.only:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(
            f"# Speed and memory\n\nWritten by `bench/run`. What each row means: `bench/README.md`.\n\n{text}"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
