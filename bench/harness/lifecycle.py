"""How long a plugin takes to be there: enabled, installed, and back after a crash."""

from __future__ import annotations

import random
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from . import proc
from .berth import ROOT, Berth, pack
from .peers import ECHO, NOTHING
from .report import Plan, Row, middle, seconds

MISBEHAVE = ROOT / "dist" / "src" / "test" / "resources" / "plugins" / "misbehave"
# So much of a plugin is its own code and data, which doesn't compress well: 100 KiB, packed.
PLUGIN_BYTES = 100 << 10


def enable(plan: Plan) -> list[Row]:
    """From asking for a stopped plugin to be started, to the first answer of its first call."""
    with TemporaryDirectory() as folder, closing(Berth()) as berth:
        plugin = berth.install(pack(ECHO, Path(folder)))
        count = plan.pick(60, 10)

        def once() -> float:
            start = time.perf_counter()
            berth.enable(plugin)
            berth.execute(plugin, {})
            taken = time.perf_counter() - start
            berth.ask("POST", f"/api/plugins/{plugin}/disable")
            time.sleep(0.1)  # for the next parked child to be made, which is what is measured
            return taken

        ours, floor = _alternate(count, once, lambda: proc.spawn_seconds(NOTHING))
    return [
        Row(
            "enable -> first answer, parked child",
            seconds(ours),
            f"{seconds(floor)}: `python3 -I -S` doing nothing",
            ours / floor,
            1.0,
            count,
        )
    ]


def install(plan: Plan) -> list[Row]:
    """A plugin of 100 KiB from its archive to being enabled, over REST."""
    noise = random.Random(1)
    with TemporaryDirectory() as name, closing(Berth()) as berth:
        folder = Path(name)
        count = plan.pick(40, 8)

        def packed(name: str) -> Path:
            return pack(ECHO, folder, name, {f"{i}.bin": noise.randbytes(PLUGIN_BYTES // 10) for i in range(10)})

        archives = iter([packed(f"echo-{i}") for i in range(count + 1)])
        yardstick = packed("yardstick")
        unpacked = folder / "unpacked"
        tar = shutil.which("tar") or "/bin/tar"

        def once() -> float:
            archive = next(archives)
            start = time.perf_counter()
            berth.enable(berth.install(archive))
            return time.perf_counter() - start

        def by_hand() -> float:
            unpacked.mkdir()
            start = time.perf_counter()
            proc.spawn_seconds([tar, "-xzf", str(yardstick), "-C", str(unpacked)])
            proc.spawn_seconds([sys.executable, "-c", "pass"])
            taken = time.perf_counter() - start
            shutil.rmtree(unpacked)
            return taken

        ours, floor = _alternate(count, once, by_hand)
    return [
        Row(
            "install + enable of a 100 KiB plugin, p50",
            seconds(ours),
            f"{seconds(floor)}: `tar -xzf` + `python3 -c pass` of the same",
            ours / floor,
            3,
            count,
        )
    ]


def crash(plan: Plan) -> list[Row]:
    """The plugin's process dies in a call: how soon that caller knows, and how soon the next one is answered.

    A plugin each time, because the second restart of one waits on purpose.
    """
    with TemporaryDirectory() as folder, closing(Berth()) as berth:
        count = plan.pick(30, 6)
        plugins = [berth.install(pack(MISBEHAVE, Path(folder), f"crash-{i}")) for i in range(count + 1)]
        for plugin in plugins:
            berth.enable(plugin)
            berth.execute(plugin, {"do": "nothing"})
        rest = iter(plugins)
        told, next_answered = [], []

        def once() -> float:
            plugin = next(rest)
            start = time.perf_counter()
            berth.execute(plugin, {"do": "dies"}, status=502)
            knows = time.perf_counter()
            berth.execute(plugin, {"do": "nothing"})
            told.append(knows - start)
            next_answered.append(time.perf_counter() - start)
            time.sleep(0.1)
            return told[-1]

        _, floor = _alternate(count, once, lambda: proc.spawn_seconds(NOTHING))
    what = f"{seconds(floor)}: `python3 -I -S` doing nothing"
    ours, then = middle(told[1:]), middle(next_answered[1:])
    return [
        Row("plugin process dies in a call: that caller told", seconds(ours), what, ours / floor, 5, count),
        Row("plugin process dies in a call: next call answered", seconds(then), what, then / floor, 10, count),
    ]


def _alternate(count: int, one: Callable[[], float], other: Callable[[], float]) -> tuple[float, float]:
    """The medians of both, measured in turn; the first of each is not counted."""
    one(), other()
    pairs = [(one(), other()) for _ in range(count)]
    return middle([a for a, _ in pairs]), middle([b for _, b in pairs])
