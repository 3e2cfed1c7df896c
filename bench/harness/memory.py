"""What an idle plugin keeps in memory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from . import proc
from .berth import Berth, pack
from .peers import ECHO, standalone_pss_mib
from .report import Plan, Row


def run(plan: Plan) -> list[Row]:
    count = plan.pick(100, 20)
    with TemporaryDirectory() as folder, closing(Berth()) as berth:
        for i in range(count):
            plugin = berth.install(pack(ECHO, Path(folder), f"echo-{i}"))
            berth.enable(plugin)
            berth.execute(plugin, {})
        # Everything that is not the server itself: workers, what watches them, the zygote and its parked children.
        server, *sandboxes = berth.pids()
        each = proc.pss_mib(sandboxes) / count
        host = proc.pss_mib([server])
    alone = standalone_pss_mib(count)
    return [
        Row(
            f"idle plugin, PSS, at {count} enabled, zygote included",
            f"{each:.1f} MiB (server {host:.0f} MiB)",
            f"{alone:.1f} MiB: an independent Python with the same plugin",
            each / alone,
            0.4,
            1,
        )
    ]
