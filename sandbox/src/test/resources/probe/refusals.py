"""Tries what the system call policy refuses, and what ordinary programs need, in whatever it is run in.

Used by the tests of every kind of sandbox, so that each is asked the same. `python3 refusals.py POLICY` prints JSON:
{"refused": [[what, expected errno, got], ...], "works": {what: "yes" or the error}}.
"""

import ctypes
import errno
import json
import platform
import sys

UNIX, INET, INET6, STREAM, DGRAM, RAW, SEQPACKET = 1, 2, 10, 1, 2, 3, 5
CLOEXEC_NONBLOCK = 0o2004000
HIGH = 1 << 32
HERE = -100  # AT_FDCWD
CREATE, EXCLUSIVE, TMPFILE = 0o101, 0o200, 0o20200002  # with O_WRONLY, and O_RDWR

# What one rule refuses only for some arguments: call, arguments, answer.
CONDITIONAL = [
    *[("clone", (flag | 17, 0, 0, 0, 0), "EPERM") for flag in (1 << 17, *(1 << n for n in range(25, 31)))],
    *[("socket", (f, DGRAM, 0), "EAFNOSUPPORT") for f in (0, 3, 4, 8, 9, 11, 15, 16, 17, 29, 31, 38, 40, 44, 45, 99)],
    ("socket", (16, RAW, 0), "EAFNOSUPPORT"),  # netlink
    ("socket", (17, RAW, 768), "EAFNOSUPPORT"),  # packet
    ("socket", (38, SEQPACKET, 0), "EAFNOSUPPORT"),  # kernel crypto
    ("socket", (40, STREAM, 0), "EAFNOSUPPORT"),  # vsock
    ("socket", (HIGH | 40, STREAM, 0), "EAFNOSUPPORT"),  # the kernel looks at the low half only
    *[("socket", (f, RAW | CLOEXEC_NONBLOCK, p), "EPERM") for f in (INET, INET6) for p in (0, 1, 6, 58, 255)],
    *[("socket", (f, SEQPACKET, p), "EPERM") for f in (INET, INET6) for p in (0, 132)],
    *[("socket", (f, k, 0), "EPERM") for f in (UNIX, INET, INET6) for k in (0, 4, 6, 10, 15)],
    ("socket", (UNIX, RAW, 0), "EPERM"),
    *[
        ("socket", (f, k, p), "EPROTONOSUPPORT")
        for f in (INET, INET6)
        for k in (STREAM, DGRAM | CLOEXEC_NONBLOCK)
        for p in (1, 2, 33, 58, 132, 136, 255, 262)
    ],
    *[("socketpair", (f, STREAM, 0, b"\0" * 8), "EAFNOSUPPORT") for f in (0, INET, INET6, 16, 38, 40)],
    ("ioctl", (0, 0x5412, b"x"), "EPERM"),
    ("ioctl", (0, HIGH | 0x5412, b"x"), "EPERM"),
    ("ioctl", (0, 0x541C, b"x"), "EPERM"),
    *[("fcntl", (0, command, 1), "EPERM") for command in (1024, 1026)],  # F_SETLEASE, F_NOTIFY
    *[("fchmod", (0, mode), "EPERM") for mode in (0o4755, 0o2755, 0o6000, HIGH | 0o4000)],
    *[(name, (HERE, b"/tmp/set", 0o4755), "EPERM") for name in ("fchmodat", "fchmodat2", "mkdirat", "mknodat")],
    *[(name, (b"/tmp/set", 0o4755), "EPERM") for name in ("chmod", "creat", "mkdir", "mknod")],
    *[("openat", (HERE, b"/tmp/set", flags, 0o2755), "EPERM") for flags in (CREATE, CREATE | EXCLUSIVE, TMPFILE)],
    ("open", (b"/tmp/set", CREATE, 0o4755), "EPERM"),
    *[("prctl", (option, 1, 0, 0, 0), "EPERM") for option in (22, 62, HIGH | 22)],  # seccomp, core scheduling
    *[("setsockopt", (0, 1, option, b"x" * 16, 16), "EPERM") for option in (15, 26, 51)],  # one port, filters
    ("mmap", (0, 1 << 21, 3, 0x40022, -1, 0), "EPERM"),
    ("memfd_create", (b"x", 4), "EPERM"),
    ("shmget", (0, 1 << 21, 0o5600), "EPERM"),
    *[("personality", (p,), "EPERM") for p in (0x0040000, 0x0400000, 8, 0x1000008, HIGH | 0x0040000)],
]
# The same calls with what programs pass: none of these may be refused by the filter.
USUAL = [
    *[("socket", (UNIX, k | f, 0)) for k in (STREAM, DGRAM, SEQPACKET) for f in (0, CLOEXEC_NONBLOCK)],
    *[("socket", (f, STREAM, p)) for f in (INET, INET6) for p in (0, 6)],
    *[("socket", (f, DGRAM, p)) for f in (INET, INET6) for p in (0, 17)],
    ("socketpair", (UNIX, STREAM, 0, b"\0" * 8)),
    ("openat", (HERE, b"/tmp/usual", CREATE, 0o644)),
    ("openat", (HERE, b"/tmp/usual", 0, 0o6777)),  # a mode that is not looked at
    ("fchmodat", (HERE, b"/tmp/usual", 0o600)),
    ("prctl", (3, 0, 0, 0, 0)),  # PR_GET_DUMPABLE
    ("memfd_create", (b"x", 3)),
    ("shmget", (0, 1 << 12, 0o1600)),
    ("mkdirat", (HERE, b"/tmp/usual.d", 0o1755)),
    ("fcntl", (0, 1)),
    ("personality", (0xFFFFFFFF,)),
    ("personality", (0,)),
]

_libc = ctypes.CDLL(None, use_errno=True)


def call(number, arguments):
    """The errno's name, or "no error"."""
    passed = [ctypes.c_long(a) if isinstance(a, int) else ctypes.create_string_buffer(a) for a in arguments]
    ctypes.set_errno(0)
    if _libc.syscall(ctypes.c_long(number), *passed) >= 0:
        return "no error"
    return errno.errorcode[ctypes.get_errno()]


def refused(policy):
    numbers = policy["numbers"][platform.machine()]
    tried = [
        (name, (0, 0, 0, 0, 0), rule["errno"])
        for rule in policy["rules"]
        for name in rule["calls"]
        if "when" not in rule and name in numbers
    ]
    tried += [one for one in CONDITIONAL if one[0] in numbers]  # aarch64 never had some of them
    found = [(name, expected, call(numbers[name], args)) for name, args, expected in tried]
    found += [(f"{name}{args}", "no error", call(numbers[name], args)) for name, args in USUAL]
    found.append(("a call newer than the list", "ENOSYS", call(policy["newest"] + 60, ())))
    return found


def threads():
    import threading

    seen = []
    started = [threading.Thread(target=seen.append, args=(n,)) for n in range(4)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return sorted(seen) == [0, 1, 2, 3]


def subprocesses():
    import subprocess

    ran = subprocess.run([sys.executable, "-I", "-S", "-c", "print(6 * 7)"], stdout=subprocess.PIPE, check=True)
    return ran.stdout == b"42\n"


def event_loop():
    import asyncio

    async def both():
        reader, writer = await asyncio.open_unix_connection(sock=left)
        writer.write(b"x")
        await writer.drain()
        other, _ = await asyncio.open_unix_connection(sock=right)
        got = await other.readexactly(1)
        writer.close()
        return got == b"x" and await asyncio.to_thread(lambda: True)

    import socket

    left, right = socket.socketpair()
    with asyncio.Runner() if hasattr(asyncio, "Runner") else _Loop() as runner:
        return runner.run(both())


class _Loop:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def run(self, coroutine):
        import asyncio

        return asyncio.new_event_loop().run_until_complete(coroutine)


def database():
    import sqlite3
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        db = sqlite3.connect(folder + "/x.db")
        db.execute("pragma journal_mode = wal")
        db.execute("create table t (x)")
        db.execute("insert into t values (1)")
        db.commit()
        count = db.execute("select count(*) from t").fetchone()[0]
        db.close()
        return count == 1


def tls():
    import ssl

    return ssl.create_default_context() is not None and len(ssl.RAND_bytes(16)) == 16


def mapping():
    import mmap

    memory = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory[:4] = b"full"
    memory.madvise(mmap.MADV_DONTNEED)
    return memory[:4] == b"\0\0\0\0"


def shared_memory():
    from multiprocessing import get_context
    from multiprocessing.shared_memory import SharedMemory

    with get_context("fork").Lock():
        memory = SharedMemory(create=True, size=4096)
    memory.buf[0] = 7
    ok = memory.buf[0] == 7
    memory.close()
    memory.unlink()
    return ok


def process_pool():
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        return list(pool.map(abs, (-1, -2))) == [1, 2]


def tcp():
    import socket

    try:
        socket.create_connection(("127.0.0.1", 1), timeout=2)
    except (ConnectionRefusedError, OSError) as e:
        return e.errno == errno.ECONNREFUSED
    return False


WORKS = (threads, subprocesses, event_loop, database, tls, mapping, shared_memory, process_pool, tcp)


def works():
    answers = {}
    for need in WORKS:
        try:
            answers[need.__name__] = "yes" if need() else "no"
        except Exception as e:
            answers[need.__name__] = f"{type(e).__name__}: {e}"
    return answers


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as f:
        given = json.load(f)
    print(json.dumps({"refused": refused(given), "works": works()}))
