"""The bounds of a sandbox's network, in one of its own."""

from __future__ import annotations

import os
import socket
from typing import Any, Dict, List

import pytest
from berth_runtime import linux, network
from test_mounts import in_child

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="making a network takes root")


def made() -> str:
    linux.unshare(linux.CLONE_NEWNET)
    why = network.bound()
    linux.loopback_up()
    linux.drop_capabilities()
    return why


def bind(address: str, port: int) -> str:
    with socket.socket() as s:
        try:
            s.bind((address, port))
        except OSError as e:
            return type(e).__name__
    return "bound"


def test_there_are_few_places_to_listen_at() -> None:
    def work() -> Dict[str, Any]:
        why = made()
        kept: List[socket.socket] = []
        try:
            while len(kept) < 1000:
                kept.append(socket.create_server(("127.0.0.1", 0)))
        except OSError:
            pass
        others = [bind("127.0.0.1", 8080), bind("127.0.0.2", 0), bind("10.0.0.1", 0)]
        return {"why": why, "places": len(kept), "others": others}

    assert in_child(work) == {"why": "", "places": 64, "others": ["PermissionError", "OSError", "OSError"]}


def test_what_nobody_accepts_is_bounded() -> None:
    def work() -> Dict[str, Any]:
        made()
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        got = 0
        try:
            while got < 1000:
                with socket.create_connection(listener.getsockname(), 0.5):
                    got += 1
        except TimeoutError:
            pass
        return {"got": got}

    assert in_child(work) == {"got": 33}


def test_few_connections_that_are_over_are_kept() -> None:
    def work() -> Dict[str, Any]:
        made()
        listener = socket.create_server(("127.0.0.1", 0))
        for _ in range(200):
            connected = socket.create_connection(listener.getsockname())
            accepted, _ = listener.accept()
            connected.close()
            accepted.close()
        with open("/proc/self/net/sockstat", encoding="ascii") as f:
            words = next(line for line in f if line.startswith("TCP:")).split()
        return {"kept": int(words[words.index("tw") + 1])}

    assert 0 < in_child(work)["kept"] <= 16


def test_where_the_settings_are_not_there_that_is_said() -> None:
    def work() -> Dict[str, Any]:
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
        linux.mount("none", "/proc/sys", "tmpfs", linux.MS_RDONLY)
        return {"why": network.problem()}

    assert in_child(work) == {"why": "/proc/sys/net/core/somaxconn can't be set: No such file or directory"}
