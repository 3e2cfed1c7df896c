"""What the helper does to a container before it is a plugin's; on a process with namespaces of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Iterator

import pytest
from berth_runtime import container_folders, linux, network

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="entering other namespaces takes root")


@pytest.fixture
def container() -> Iterator[int]:
    """Its process id."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWNET)
        os.write(tell, b"y")
        signal.pause()
        os._exit(0)
    os.read(ready, 1)
    os.close(ready)
    os.close(tell)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_its_network_is_bounded(container: int) -> None:
    container_folders._attach(container, [], [])
    asked = ["nsenter", "-n", "-t", str(container), "cat", "/proc/sys/net/core/somaxconn"]
    assert subprocess.run(asked, check=True, capture_output=True, text=True).stdout == "32\n"


def test_one_that_can_not_be_bounded_is_not_used(container: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_SETTINGS", (("net/core/none", "1"),))
    with pytest.raises(ValueError, match="bound the container's network: /proc/sys/net/core/none can't be set"):
        container_folders._attach(container, [], [])
