"""What is left behind, and what the host's memory shows, after a great many of something."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from . import proc
from .berth import Berth, pack
from .neighbours import ATTACKER
from .peers import ECHO
from .report import Plan, Row, Unavailable

MIB = 1 << 20
FIRST_UID = 200_000  # of the uids that plugins have


def cycles(plan: Plan) -> list[Row]:
    """Counts of the host's things before and after many times on and off."""
    count = plan.pick(2000, 100)
    with TemporaryDirectory() as folder, closing(Berth()) as berth:
        plugin = berth.install(pack(ECHO, Path(folder)))

        def turn() -> None:
            berth.enable(plugin)
            berth.ask("POST", f"/api/plugins/{plugin}/disable")

        for _ in range(50):  # loads classes, fills pools
            turn()
        before = _counts(berth)
        for _ in range(count):
            turn()
        after = _counts(berth)
    more = {name: after[name] - before[name] for name in before if after[name] != before[name]}
    told = ", ".join(f"{name} {change:+d}" for name, change in more.items()) or "no difference"
    grown = sum(max(0, after[name] - before[name]) for name in before)
    total = sum(before.values())
    return [
        Row(
            f"{count} times enabled and disabled: descriptors, threads, control groups, zombies, mounts, uids",
            told,
            ", ".join(f"{name} {value}" for name, value in before.items()) + ": before",
            (total + grown) / total,
            1.02,
            1,
        )
    ]


def _counts(berth: Berth) -> dict[str, int]:
    """When nothing changes any more."""
    last: dict[str, int] = {}
    deadline = time.monotonic() + 60
    while True:
        time.sleep(1.5)
        now = _count(berth)
        if now == last or time.monotonic() > deadline:
            return now
        last = now


def _count(berth: Berth) -> dict[str, int]:
    family = berth.pids()
    installation = (berth.folder / "data" / "run" / "installation").read_text().strip()
    groups = sum(
        name.startswith("w")
        for path, names, _ in os.walk("/sys/fs/cgroup")
        if installation in path
        for name in names
    )
    states = [_state(pid) for pid in family]
    # The plugins' mounts are in the launcher's namespace, not in ours.
    mounted = [Path(f"/proc/{pid}/mountinfo") for pid in (os.getpid(), *proc.titled(family, "berth-launcher"))]
    return {
        "descriptors": sum(len(_list(f"/proc/{pid}/fd")) for pid in family),
        "threads": len(_list(f"/proc/{berth.pid}/task")),
        "processes": len(family),
        "control groups": groups,
        "zombies": states.count("Z"),
        "mounts": sum(len(_text(table).splitlines()) for table in mounted),
        "uids": len({uid for path in Path("/proc").glob("[0-9]*/status") if (uid := _uid(path)) >= FIRST_UID}),
        "loop devices": sum("berth-bench" in _text(f) for f in Path("/sys/block").glob("loop*/loop/backing_file")),
    }


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _uid(status: Path) -> int:
    """The real uid of a process; 0 when it has ended."""
    found = re.search(r"^Uid:\t(\d+)", _text(status), re.MULTILINE)
    return int(found[1]) if found else 0


def _state(pid: int) -> str:
    return _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].strip()[:1]


def floods(plan: Plan) -> list[Row]:
    """The host's heap before and after a flood of output, and one of bad frames."""
    jcmd = shutil.which("jcmd", path=f"{os.environ.get('JAVA_HOME', '')}/bin:{os.environ['PATH']}")
    if jcmd is None:
        raise Unavailable("there is no jcmd to ask for the heap with")
    rows = []
    amount = plan.pick(1 << 30, 64 << 20)
    with TemporaryDirectory() as folder, closing(Berth()) as berth:
        plugin = berth.install(pack(ATTACKER, Path(folder)))
        berth.enable(plugin)
        berth.execute(plugin, {"do": "nothing"})

        def heap() -> float:
            subprocess.run([jcmd, str(berth.pid), "GC.run"], check=True, capture_output=True)
            told = subprocess.run(
                [jcmd, str(berth.pid), "GC.heap_info"], check=True, capture_output=True, text=True
            )
            return sum(int(kib) for kib in re.findall(r"total \d+K, used (\d+)K", told.stdout)) / 1024

        for what, label in (
            ({"do": "output", "bytes": 16 * MIB}, f"{amount >> 20} MiB of output"),
            ({"do": "frames", "count": 10_000}, "10,000 bad frames"),
        ):
            before = heap()
            highest = before
            left = amount if what["do"] == "output" else 1
            while left > 0:
                body = {"context": what}
                status, _ = berth.client.request(
                    "POST", f"/api/plugins/{plugin}/execute", repr(body).replace("'", '"').encode()
                )
                left -= 16 * MIB if status == 200 or what["do"] == "frames" else 0
                if status == 409:
                    berth.enable(plugin)
            highest = max(highest, heap())
            rows.append(
                Row(
                    f"host's heap after {label}",
                    f"{highest - before:+.1f} MiB",
                    f"64 MiB more: the limit ({before:.0f} MiB before)",
                    max(0.0, highest - before) / 64,
                    1,
                    1,
                )
            )
        assert proc.family(berth.pid)
    return rows
