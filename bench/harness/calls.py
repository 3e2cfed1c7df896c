"""What a call costs: REST to a plugin and back, against its parts and against FastAPI."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from . import proc
from .berth import Berth, pack
from .load import wrk
from .peers import ECHO, FastApi, PingPong
from .report import Plan, Row, in_turn, middle, rate, seconds

IN_FLIGHT = 64
BODY_BYTES = 303
_SAID = '{"message":"/roll 2d6+3","user":"john_doe","channel":"#general","thread":"'
CONTEXT = _SAID + "x" * (BODY_BYTES - len(_SAID) - len('{"context":"}}')) + '"}'
BODY = '{"context":' + CONTEXT + "}"
ECHO_PATH = "/bench/echo"
# The echo route is there only where this asks for it.
ECHO_ON = {"BERTH_JAVA_OPTS": "-Dberth.bench=true"}


class Cost(NamedTuple):
    """Of one run: calls a second, and CPU seconds a call on the serving side."""

    rate: float
    cpu: float


def run(plan: Plan) -> list[Row]:
    with TemporaryDirectory() as folder, closing(Berth(ECHO_ON)) as berth:
        plugin = berth.install(pack(ECHO, Path(folder)))
        berth.enable(plugin)
        execute = f"{berth.url}/api/plugins/{plugin}/execute"
        with closing(FastApi()) as fastapi, closing(PingPong(CONTEXT)) as pingpong:
            return _many(plan, berth, execute, fastapi, pingpong) + _one(plan, berth, execute, pingpong)


def _many(plan: Plan, berth: Berth, execute: str, fastapi: FastApi, pingpong: PingPong) -> list[Row]:
    def http(url: str, pids: list[int]) -> Cost:
        before = proc.cpu_seconds(pids)
        load = wrk(url, BODY, IN_FLIGHT, plan.seconds)
        return Cost(load.rate, (proc.cpu_seconds(pids) - before) / load.calls)

    def socket() -> Cost:
        before = proc.cpu_seconds(pingpong.pids())
        turn = pingpong.run(IN_FLIGHT, plan.seconds)
        return Cost(turn.calls / turn.seconds, (proc.cpu_seconds(pingpong.pids()) - before) / turn.calls)

    pids = berth.pids()
    taken = in_turn(
        plan,
        {
            "echo": lambda: http(berth.url + ECHO_PATH, pids),
            "execute": lambda: http(execute, pids),
            "pingpong": socket,
            "fastapi": lambda: http(fastapi.url, fastapi.pids()),
        },
    )
    rates = {name: middle([cost.rate for cost in costs]) for name, costs in taken.items()}
    cpu = {name: middle([cost.cpu for cost in costs]) for name, costs in taken.items()}
    floor = 1 / (1 / rates["echo"] + 1 / rates["pingpong"])
    return [
        Row(
            f"execute over REST, {IN_FLIGHT} connections",
            rate(rates["execute"]),
            f"{rate(floor)}: 1 / (1/echo {rate(rates['echo'])} + 1/ping-pong {rate(rates['pingpong'])})",
            rates["execute"] / floor,
            0.85,
            plan.rounds,
            more=True,
        ),
        Row(
            "the same",
            rate(rates["execute"]),
            f"{rate(rates['fastapi'])}: FastAPI + uvicorn, in-process, no isolation",
            rates["execute"] / rates["fastapi"],
            6,
            plan.rounds,
            more=True,
        ),
        Row(
            f"CPU of a call, host + worker, at {IN_FLIGHT}",
            seconds(cpu["execute"]),
            f"echo {seconds(cpu['echo'])} + ping-pong {seconds(cpu['pingpong'])}",
            cpu["execute"] / (cpu["echo"] + cpu["pingpong"]),
            1.2,
            plan.rounds,
        ),
    ]


def _one(plan: Plan, berth: Berth, execute: str, pingpong: PingPong) -> list[Row]:
    """One in flight. Placement decides by a factor of four: the client has a CPU, the servers another."""
    cpus = sorted(os.sched_getaffinity(0))
    client, server = ({cpus[0]}, {cpus[1]}) if len(cpus) > 1 else (set(cpus), set(cpus))
    proc.pin(berth.pids(), server)
    proc.pin(pingpong.pids(), server)
    taken = in_turn(
        plan,
        {
            "echo": lambda: wrk(berth.url + ECHO_PATH, BODY, 1, plan.seconds, client).p50,
            "execute": lambda: wrk(execute, BODY, 1, plan.seconds, client).p50,
            "pingpong": lambda: pingpong.run(1, plan.seconds).p50,
        },
    )
    echo, call, bare = (middle(taken[name]) for name in ("echo", "execute", "pingpong"))
    return [
        Row(
            "execute over REST, 1 in flight, p50",
            seconds(call),
            f"echo {seconds(echo)} + ping-pong {seconds(bare)}",
            call / (echo + bare),
            1.3,
            plan.rounds,
        )
    ]
