"""The way to the network from inside: 127.0.0.1 for the plugin's libraries, the egress proxy's socket behind it.

Imported only by workers of plugins that may use the network. A sandbox has no route to anywhere, so what a
plugin's HTTP library can reach is this port, and what answers there is the host's proxy. Libraries find it by
the environment variables that all of them read; aiohttp reads them when asked to, so its sessions are asked to
by default. There is no no_proxy: 127.0.0.1 in an address that a plugin was given means the host's, and is for
the proxy to judge.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import os
import selectors
import socket
import sys
import threading
from types import ModuleType
from typing import Any, Optional, Sequence

MOST_CONNECTIONS = 32
_TURNED_AWAY = 8  # more than the proxy takes, so that it can say so
_BUFFER = 65536
_PAUSE_SECONDS = 0.2


def provide(path: str) -> int:
    """Start forwarding, tell the libraries, and return the port. To be called before the plugin is loaded."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(MOST_CONNECTIONS)
    port = int(listener.getsockname()[1])
    threading.Thread(target=Forwarder(listener, path).serve, name="egress", daemon=True).start()
    for scheme in ("http", "https"):
        os.environ[f"{scheme}_proxy"] = os.environ[f"{scheme.upper()}_PROXY"] = f"http://127.0.0.1:{port}"
    sys.meta_path.insert(0, _AiohttpFinder())
    return port


class _Flow:
    """One direction of a connection: what was read from `source` and not yet written to `target`."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source = source
        self.target = target
        self.waiting = b""
        self.ended = False  # nothing more comes from the source
        self.closed = False  # and the target was told
        self.deaf = False  # the target takes nothing more

    def move(self, readable: bool, writable: bool) -> None:
        """Does what can be done at once. Raises OSError when the source is broken."""
        if readable and not self.waiting and not self.ended:
            try:
                self.waiting = self.source.recv(_BUFFER)
            except BlockingIOError:
                return
            self.ended = not self.waiting
            writable = True  # most often it is; send tells
        try:
            if self.waiting and writable and not self.deaf:
                with contextlib.suppress(BlockingIOError):
                    self.waiting = self.waiting[self.target.send(self.waiting) :]
            if self.ended and not self.waiting and not self.closed:
                self.closed = True
                self.target.shutdown(socket.SHUT_WR)
        except OSError:
            # What it said before it went may still be on its way back, such as why a request was refused.
            self.deaf = True
        if self.deaf:
            self.waiting = b""
            self.closed = self.ended


class _Pair:
    """A connection of the plugin's and the one to the proxy that goes with it."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.near = near
        self.far = far
        self.out = _Flow(near, far)
        self.back = _Flow(far, near)

    def done(self) -> bool:
        return self.back.deaf or (self.out.closed and self.back.closed)

    def wanted(self, sock: socket.socket) -> int:
        """What to wait for on this socket. A side that is not read from holds the other up, and nobody else."""
        reads, writes = (self.out, self.back) if sock is self.near else (self.back, self.out)
        events = 0
        if not reads.waiting and not reads.ended:
            events |= selectors.EVENT_READ
        if writes.waiting:
            events |= selectors.EVENT_WRITE
        return events

    def move(self, sock: socket.socket, events: int) -> None:
        readable = bool(events & selectors.EVENT_READ)
        writable = bool(events & selectors.EVENT_WRITE)
        reads, writes = (self.out, self.back) if sock is self.near else (self.back, self.out)
        if readable:
            try:
                reads.move(True, False)
            except ConnectionError:
                if reads is self.out:
                    raise  # the plugin has gone
                reads.ended = True  # the proxy has, with something of the plugin's unread
                reads.move(False, True)
        if writable:
            writes.move(False, True)

    def close(self) -> None:
        self.near.close()
        self.far.close()


class Forwarder:
    """Joins each connection to `listener` with one to the unix socket at `path`, in one thread, with one buffer a
    direction."""

    def __init__(self, listener: socket.socket, path: str) -> None:
        self._listener = listener
        self._path = path
        self._selector = selectors.DefaultSelector()
        self._pairs = 0
        self._deaf = False

    def serve(self) -> None:
        """Forward for as long as the process lives."""
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        while True:
            ready = self._selector.select(_PAUSE_SECONDS if self._deaf else None)
            if not ready:
                self._listen_again()
            for key, events in ready:
                if key.fileobj is self._listener:
                    self._accept()
                elif key.data.near.fileno() >= 0:  # else closed in this very round
                    self._move(key.data, key.fileobj, events)

    def _accept(self) -> None:
        far = None
        try:
            near, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError:
            # Out of descriptors, most likely, and the listener would go on saying that somebody waits.
            self._selector.unregister(self._listener)
            self._deaf = True
            return
        try:
            far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            if self._pairs >= MOST_CONNECTIONS + _TURNED_AWAY:
                raise ConnectionRefusedError
            far.connect(self._path)
        except OSError:
            near.close()
            if far is not None:
                far.close()
            return
        self._pairs += 1
        pair = _Pair(near, far)
        for sock in (near, far):
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ, pair)

    def _listen_again(self) -> None:
        """A descriptor may be free again: a connection ended, or a while has passed."""
        if self._deaf:
            self._deaf = False
            self._selector.register(self._listener, selectors.EVENT_READ)

    def _move(self, pair: _Pair, sock: Any, events: int) -> None:
        try:
            pair.move(sock, events)
        except OSError:
            self._end(pair)
            return
        if pair.done():
            self._end(pair)
            return
        for each in (pair.near, pair.far):
            self._watch(pair, each)

    def _watch(self, pair: _Pair, sock: socket.socket) -> None:
        wanted = pair.wanted(sock)
        present = self._selector.get_map().get(sock.fileno())
        if not wanted:
            if present is not None:
                self._selector.unregister(sock)
        elif present is None:
            self._selector.register(sock, wanted, pair)
        elif present.events != wanted:
            self._selector.modify(sock, wanted, pair)

    def _end(self, pair: _Pair) -> None:
        for sock in (pair.near, pair.far):
            with contextlib.suppress(KeyError):
                self._selector.unregister(sock)
        pair.close()
        self._pairs -= 1
        self._listen_again()


class _AiohttpFinder(importlib.abc.MetaPathFinder):
    """Finds aiohttp once, as it would be found anyway, to have a word with it when it is loaded."""

    def find_spec(
        self, name: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if name != "aiohttp":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _AiohttpLoader(spec.loader)
        return spec


class _AiohttpLoader(importlib.abc.Loader):
    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Optional[ModuleType]:
        made: Optional[ModuleType] = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        session: Any = getattr(module, "ClientSession", None)
        if session is not None:
            _trust_environment(session)


def _trust_environment(session: Any) -> None:
    initialize = session.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("trust_env", True)
        initialize(self, *args, **kwargs)

    __init__.__wrapped__ = initialize  # type: ignore[attr-defined]
    __init__.__doc__ = initialize.__doc__
    session.__init__ = __init__
