from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest
from worker_host import Host, Start


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Start]:
    """Starts a worker; not initialised."""
    hosts: List[Host] = []

    def start(main: str, path: Tuple[str, ...] = ()) -> Host:
        folder = tmp_path / str(len(hosts))
        os.mkdir(folder)
        host = Host(folder, main, path)
        hosts.append(host)
        return host

    yield start
    for host in hosts:
        host.close()


@pytest.fixture
def start(fresh: Start) -> Start:
    """Starts a worker with that plugin, initialised."""

    def run(main: str, path: Tuple[str, ...] = ()) -> Host:
        host = fresh(main, path)
        answer = host.initialize()
        assert "result" in answer, answer
        return host

    return run
