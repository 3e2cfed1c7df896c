"""The forwarder between a plugin's libraries and the egress proxy's socket."""

import contextlib
import resource
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator, Tuple

import pytest
from berth_runtime.egress import MOST_CONNECTIONS, Forwarder

RUNTIME = str(Path(__file__).parents[1])


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Tuple[int, socket.socket]]:
    """A forwarder's port, and the socket that stands for the proxy."""
    proxy = socket.socket(socket.AF_UNIX)
    proxy.bind(str(tmp_path / "p"))
    proxy.listen()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    threading.Thread(target=Forwarder(listener, str(tmp_path / "p")).serve, daemon=True).start()
    yield listener.getsockname()[1], proxy
    proxy.close()


def _pair(way: Tuple[int, socket.socket]) -> Tuple[socket.socket, socket.socket]:
    port, proxy = way
    near = socket.create_connection(("127.0.0.1", port), 10)
    proxy.settimeout(10)
    far, _ = proxy.accept()
    far.settimeout(10)
    return near, far


def test_both_directions_and_their_ends(way: Tuple[int, socket.socket]) -> None:
    near, far = _pair(way)
    near.sendall(b"question")
    near.shutdown(socket.SHUT_WR)
    asked = b""
    while piece := far.recv(100):
        asked += piece
    assert asked == b"question"
    far.sendall(b"answer")
    far.close()
    answered = b""
    while piece := near.recv(100):
        answered += piece
    assert answered == b"answer"


def test_one_that_does_not_read_holds_no_other_up(way: Tuple[int, socket.socket]) -> None:
    _, slow_far = _pair(way)
    slow_far.setblocking(False)
    sent = 0
    try:
        while sent < 64 << 20:
            sent += slow_far.send(b"x" * 65536)
    except BlockingIOError:
        pass
    assert sent < 64 << 20, "what is not read must not be taken"
    near, far = _pair(way)
    near.sendall(b"still there?")
    assert far.recv(100) == b"still there?"


def test_what_the_proxy_said_arrives_though_it_takes_no_more(way: Tuple[int, socket.socket]) -> None:
    near, far = _pair(way)
    near.sendall(b"head")
    assert far.recv(100) == b"head"
    far.sendall(b"403 no")
    far.close()
    with contextlib.suppress(OSError):
        for _ in range(64):
            near.sendall(b"body" * 16384)
    answered = b""
    while piece := near.recv(100):
        answered += piece
    assert answered == b"403 no"


def test_the_proxy_is_the_one_to_say_that_there_are_too_many(way: Tuple[int, socket.socket]) -> None:
    held = [_pair(way) for _ in range(MOST_CONNECTIONS)]
    near, far = _pair(way)
    far.sendall(b"503 too many")
    far.close()
    assert near.recv(100) == b"503 too many"
    for one, other in held:
        one.close()
        other.close()


_STARVE = """
import os, resource, socket, sys, threading, time
sys.path.insert(0, sys.argv[1])
from berth_runtime.egress import Forwarder
proxy = socket.socket(socket.AF_UNIX); proxy.bind(sys.argv[2]); proxy.listen()
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen()
thread = threading.Thread(target=Forwarder(listener, sys.argv[2]).serve, daemon=True); thread.start()
waiting = socket.socket()
spare = [os.open("/dev/null", os.O_RDONLY)]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    while True:
        spare.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
for left in range(3):
    if left:
        os.close(spare.pop())
    waiting.connect(listener.getsockname()) if left == 0 else None
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.25, "it spins"
    assert thread.is_alive(), "it died"
for fd in spare:
    os.close(fd)
near = socket.create_connection(listener.getsockname(), 10)
proxy.settimeout(10)
near.sendall(b"hello")
for _ in range(3):
    far, _ = proxy.accept()
    far.settimeout(1)
    try:
        if far.recv(10) == b"hello":
            print("served")
            break
    except TimeoutError:
        pass
"""


def test_it_outlives_a_lack_of_descriptors(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= 64
    done = subprocess.run(
        [sys.executable, "-c", _STARVE, RUNTIME, str(tmp_path / "p")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "served\n", done.stderr
