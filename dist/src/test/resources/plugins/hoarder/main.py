"""Each way of holding memory goes on until refused, killed or a gigabyte is held, and tells how many MiB it had."""

import asyncio
import contextlib
import ctypes
import fcntl
import logging
import mmap
import os
import socket
import sys
import threading
import time

import berth

libc = ctypes.CDLL(None, use_errno=True)
MIB = b"x" * (1 << 20)
ENOUGH = 1024
SO_MEMINFO = 55  # its first word is what the receive queue holds, see linux/sock_diag.h


class Hoarder:
    def __init__(self, config):
        pass

    async def execute(self, context):
        done = getattr(self, context["do"])(context)
        return await done if asyncio.iscoroutine(done) else done

    def nothing(self, context):
        return {"fine": True}

    # Memory.

    def _until_refused(self, step):
        """step() takes so many MiB more."""
        held = 0.0
        try:
            while held < ENOUGH:
                held += step()
        except (OSError, MemoryError) as e:
            return {"mib": held, "refused": type(e).__name__ + ": " + str(e)}
        return {"mib": held, "refused": ""}

    def children(self, context):
        """Many processes, each of half the limit."""
        born = []

        def another():
            ready, tell = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    kept = [bytearray(MIB) for _ in range(80)]
                    os.write(tell, b"k")
                    time.sleep(60)
                    del kept
                finally:
                    os._exit(0)
            born.append(pid)
            os.close(tell)
            os.read(ready, 1)  # It has its memory, or was killed.
            os.close(ready)

        def alive(pid):
            return os.waitpid(pid, os.WNOHANG) == (0, 0)

        try:
            while len(born) < 13:
                another()
        except OSError as e:
            return {"mib": 0, "refused": str(e)}
        finally:
            left = [pid for pid in born if alive(pid)]
            for pid in left:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
        return {"mib": 80 * len(left), "refused": f"{len(born) - len(left)} of {len(born)} were killed"}

    def memfd(self, context):
        fd = os.memfd_create("x")
        return self._until_refused(lambda: os.write(fd, MIB) / len(MIB))

    def shared_mapping(self, context):
        kept = []

        def another():
            m = mmap.mmap(-1, 1 << 20)
            m.write(MIB)
            kept.append(m)
            return 1

        return self._until_refused(another)

    def dev_shm(self, context):
        with open("/dev/shm/x", "wb", 0) as f:
            return self._until_refused(lambda: f.write(MIB) / len(MIB))

    def sysv(self, context):
        libc.shmat.restype = ctypes.c_void_p

        def another():
            ctypes.set_errno(0)
            segment = libc.shmget(0, 4 << 20, 0o1600)
            if segment < 0:
                raise OSError(ctypes.get_errno(), "shmget")
            at = libc.shmat(segment, None, 0)
            if at in (None, ctypes.c_void_p(-1).value):
                raise OSError(ctypes.get_errno(), "shmat")
            ctypes.memset(at, 1, 4 << 20)
            return 4

        return self._until_refused(another)

    def pipes(self, context):
        def another():
            _, into = os.pipe()
            os.set_blocking(into, False)
            try:
                fcntl.fcntl(into, 1031, 1 << 20)  # F_SETPIPE_SZ
            except OSError:
                pass
            return os.write(into, MIB) / len(MIB)

        return self._until_refused(another)

    def sockets(self, context):
        kept = []

        def another():
            a, b = socket.socketpair()
            a.setblocking(False)
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                a.setsockopt(socket.SOL_SOCKET, option, 1 << 24)
                b.setsockopt(socket.SOL_SOCKET, option, 1 << 24)
            kept.extend((a, b))
            sent = 0
            try:
                while True:
                    sent += a.send(MIB)
            except BlockingIOError:
                return sent / len(MIB)

        return self._until_refused(another)

    def datagrams(self, context):
        """UDP to itself, never read. What finds no room is dropped without a word, so it asks what is held."""
        kept = []

        def another():
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setblocking(False)
            s.bind(("127.0.0.1", 0))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
            kept.append(s)
            for _ in range(64):
                s.sendto(MIB[: 32 << 10], s.getsockname())
            held = int.from_bytes(s.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4), sys.byteorder)
            if held < (32 << 10):
                raise OSError("dropped")
            return held / len(MIB)

        return self._until_refused(another)

    def messages_queued(self, context):
        """Descriptors in flight, each a memory file."""
        a, b = socket.socketpair()
        a.setblocking(False)

        def another():
            fd = os.memfd_create("x")
            os.write(fd, MIB)
            socket.send_fds(a, [b"x"], [fd])
            os.close(fd)
            return 1

        try:
            return self._until_refused(another)
        finally:
            b.close()

    def names(self, context):
        """Kernel objects: many small files' names and inodes."""
        count = 0

        def another():
            nonlocal count
            for _ in range(1000):
                os.close(os.open(f"/tmp/{count}", os.O_CREAT | os.O_WRONLY))
                count += 1
            return 1

        return self._until_refused(another)

    # The host's memory.

    def unaccepted_connections(self, context):
        """Each waits to be accepted, with something to read, and its other end is closed: nobody's memory."""
        listeners = []
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.2")):
            for _ in range(context["ports"]):
                listener = socket.socket(family)
                try:
                    listener.bind((address, 0))
                    listener.listen(4096)
                except OSError:
                    break
                listeners.append(listener)
        made = 0
        for listener in listeners:
            for _ in range(context["each"]):
                made += self._connect_and_close(listener)
        self.kept = listeners
        return {"made": made, "listeners": len(listeners)}

    def _connect_and_close(self, listener):
        with socket.socket(listener.family) as connected:
            connected.setblocking(False)
            try:
                with contextlib.suppress(BlockingIOError):
                    connected.connect(listener.getsockname())
                connected.send(bytes(8192))
            except OSError:  # no port is left, or it waits: nobody is let in any more
                return 0
        return 1

    async def progress_flood(self, context):
        for _ in range(context["count"]):
            await berth.progress(0.5, "x" * 1000)
        return {}

    async def partial_flood(self, context):
        for _ in range(context["count"]):
            await berth.partial("x" * 900_000)
        return {}

    def log_flood(self, context):
        for _ in range(context["count"]):
            logging.error("x" * 1000)
        return {}

    # Results.

    def big_result(self, context):
        return "x" * (context["mib"] << 20)

    def recursive(self, context):
        value = {}
        value["me"] = value
        return value

    def nan(self, context):
        return {"value": float("nan")}

    def infinite(self, context):
        return [float("inf")]

    def raw_bytes(self, context):
        return {"value": b"bytes"}

    def surrogate(self, context):
        return {"value": "\ud800"}

    def deep(self, context):
        value = []
        for _ in range(10_000):
            value = [value]
        return value

    def long_number(self, context):
        return {"value": 10**4000}

    def odd_keys(self, context):
        return {("a", 1): 2}

    def an_object(self, context):
        return object()

    def wild_dict(self, context):
        class Wild(dict):
            def get(self, *_):
                raise SystemExit(3)

            def items(self):
                raise KeyboardInterrupt

        return Wild(a=1)

    # Exceptions.

    def long_message(self, context):
        raise ValueError("x" * (32 << 20))

    def message_raises(self, context):
        class Mute(Exception):
            def __str__(self):
                raise SystemExit(4)

            __repr__ = __str__

        raise Mute

    def long_chain(self, context):
        error = ValueError("first")
        for i in range(5000):
            following = ValueError(f"number {i}")
            following.__cause__ = error
            error = following
        raise error

    def deep_stack(self, context):
        return self.deep_stack(context)

    def exits(self, context):
        sys.exit(5)

    def interrupts(self, context):
        raise KeyboardInterrupt

    def group(self, context):
        raise BaseException("bare")

    # After the end.

    def talks_on(self, context):
        """A thread that goes on logging, whatever becomes of the plugin."""

        def talk():
            while True:
                logging.info("still here")
                time.sleep(0.001)

        threading.Thread(target=talk, daemon=True).start()
        return {}
