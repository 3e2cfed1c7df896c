"""Containers of a Docker engine, against the engine's own way of running something, and against processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from . import proc
from .berth import Berth, pack
from .peers import ECHO
from .report import Plan, Row, Unavailable, in_turn, middle, seconds

IMAGE = os.environ.get("BERTH_TEST_IMAGE", "berth-test-python:1")
OPTIONS = ("--sandbox", "docker", "--docker-image", IMAGE)
PARKED = 2
# Of the process sandbox before it is measured; the engine has run for long, too. By the second number the JVM's
# second compiler has had what a start runs.
WARM_STARTS, MORE_STARTS = 40, 600


def engine() -> str:
    """The docker command; Unavailable when there is no engine that has the image."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "image", "inspect", IMAGE], capture_output=True).returncode:
        raise Unavailable(f"there is no Docker engine that has the image {IMAGE} (./verify makes one)")
    return docker


def containers(docker: str) -> int:
    """How many of Berth's are running."""
    listed = subprocess.run(
        [docker, "ps", "--quiet", "--filter", "label=dev.berth.installation"], capture_output=True, check=True
    )
    return len(listed.stdout.split())


def run(plan: Plan) -> list[Row]:
    docker = engine()
    with TemporaryDirectory() as folder, closing(Berth(options=OPTIONS)) as boxed, closing(Berth()) as plain:
        archive = pack(ECHO, Path(folder))
        in_box, in_process = boxed.install(archive), plain.install(archive)

        def start(berth: Berth, plugin: str) -> float:
            begun = time.perf_counter()
            berth.enable(plugin)
            berth.execute(plugin, {})
            taken = time.perf_counter() - begun
            berth.ask("POST", f"/api/plugins/{plugin}/disable")
            return taken

        def rested(side: Callable[[], float]) -> Callable[[], float]:
            """Once the engine has made what the side before took from it, which would disturb any other."""

            def measure() -> float:
                deadline = time.monotonic() + 30
                while containers(docker) < PARKED and time.monotonic() < deadline:
                    time.sleep(0.05)
                time.sleep(0.5)  # they are started; their Pythons come up
                return side()

            return measure

        def started(times: int) -> None:
            for _ in range(times):
                start(plain, in_process)
                time.sleep(0.1)

        cold = rested(lambda: start(plain, in_process))()
        started(plan.pick(WARM_STARTS, 4))
        plain_run = [docker, "run", "--rm", "--network", "none", IMAGE, "python3", "-c", "pass"]
        starts = in_turn(
            plan,
            {
                "docker": rested(lambda: start(boxed, in_box)),
                "process": rested(lambda: start(plain, in_process)),
                "run": rested(lambda: proc.spawn_seconds(plain_run)),
            },
        )
        started(plan.pick(MORE_STARTS - WARM_STARTS, 4))
        later = in_turn(
            plan,
            {
                "process": rested(lambda: start(plain, in_process)),
                "run": rested(lambda: proc.spawn_seconds(plain_run)),
            },
        )
        for berth, plugin in ((boxed, in_box), (plain, in_process)):
            berth.enable(plugin)

        def warm(berth: Berth, plugin: str) -> float:
            taken = []
            for _ in range(plan.pick(2000, 200)):
                begun = time.perf_counter()
                berth.execute(plugin, {})
                taken.append(time.perf_counter() - begun)
            return middle(taken)

        calls = in_turn(plan, {"docker": lambda: warm(boxed, in_box), "process": lambda: warm(plain, in_process)})
    box, process, run_ = (middle(starts[side]) for side in ("docker", "process", "run"))
    box_call, process_call = middle(calls["docker"]), middle(calls["process"])
    floor = f"{seconds(run_)}: `docker run` of the same image"
    warm_process, warm_run = middle(later["process"]), middle(later["run"])
    return [
        Row(
            "Docker: enable -> first answer, parked container", seconds(box), floor, box / run_, 0.125, plan.rounds
        ),
        Row(
            "Docker: warm execute over REST, p50",
            seconds(box_call),
            f"{seconds(process_call)}: process sandbox",
            box_call / process_call,
            1.1,
            plan.rounds,
        ),
        Row(
            f"process: enable -> first answer, parked (the server's very first: {seconds(cold)})",
            seconds(process),
            floor,
            process / run_,
            0.017,
            plan.rounds,
        ),
        Row(
            f"the same after {MORE_STARTS} starts",
            seconds(warm_process),
            f"{seconds(warm_run)}: `docker run` of the same image",
            warm_process / warm_run,
            0.017,
            plan.rounds,
        ),
    ]
