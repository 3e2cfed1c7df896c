"""Every way a call can go wrong, one function each: ``{"do": "segfault"}``."""

import asyncio
import ctypes
import logging
import os
import sys
import time

logger = logging.getLogger("misbehave")


class Misbehave:
    def __init__(self, config):
        self.config = config

    async def initialize(self):
        return True

    async def execute(self, context):
        return await DEEDS[context.get("do", "nothing")](context)

    async def cleanup(self):
        pass


# What a good plugin does, to see that it still works.


async def nothing(context):
    return {"success": True}


async def echo(context):
    return context.get("value")


async def success_false(context):
    return {"success": False, "error": "it did not work out"}


async def pid(context):
    return {"pid": os.getpid(), "uid": os.getuid(), "cwd": os.getcwd(), "environment": dict(os.environ)}


async def sleep(context):
    await asyncio.sleep(context["seconds"])
    return {"slept": context["seconds"]}


# It fails.


async def raises(context):
    raise ValueError(context.get("message", "no dice"))


async def raises_long(context):
    raise ValueError("x" * context.get("bytes", 10_000_000))


async def raises_unprintable(context):
    class Unprintable(Exception):
        def __str__(self):
            raise RuntimeError("no text either")

    raise Unprintable


async def exits(context):
    sys.exit(context.get("code", 3))


# It takes too long.


async def never(context):
    """Takes no cancelling, but lets others run."""
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass


async def blocks(context):
    """Holds the event loop, in a system call."""
    time.sleep(context.get("seconds", 3600))


async def spins(context):
    """Holds the event loop, computing."""
    while True:
        pass


# It dies.


async def dies(context):
    os._exit(context.get("code", 3))


async def segfault(context):
    ctypes.string_at(0)


async def aborts(context):
    os.abort()


async def memory(context):
    """Takes memory until it is stopped."""
    kept = []
    while True:
        kept.append(os.urandom(1 << 20))


# It leaves things behind.


async def forks(context):
    """As many children as it may have. Says how many."""
    count = 0
    try:
        while count < context.get("most", 100_000):
            if os.fork() == 0:
                time.sleep(3600)
                os._exit(0)
            count += 1
    except OSError as e:
        return {"children": count, "errno": e.errno}
    return {"children": count, "errno": None}


async def daemon(context):
    """A grandchild in a session of its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        grandchild = os.fork()
        if grandchild == 0:
            time.sleep(3600)
            os._exit(0)
        os.write(write, str(grandchild).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return {"pid": int(os.read(read, 20))}


async def fills_data(context):
    """Writes to /data until it may not. Says how many bytes went in."""
    written = 0
    try:
        with open("/data/fill", "wb", buffering=0) as file:
            while written < context.get("most", 8 << 30):
                written += file.write(bytes(1 << 20))
    except OSError as e:
        return {"bytes": written, "errno": e.errno}
    return {"bytes": written, "errno": None}


# It talks too much.


async def prints(context):
    for i in range(context.get("lines", 3)):
        print(f"line {i} " + "x" * context.get("bytes", 0))
    return {"success": True}


async def prints_raw(context):
    """Past Python: straight to descriptor 1, and no line feed."""
    os.write(1, b"y" * context.get("bytes", 100_000))
    return {"success": True}


async def prints_terminal_codes(context):
    print('\x1b[2J\x1b]0;title\x07\r{"level":"CRITICAL","message":"forged"}')
    return {"success": True}


async def logs(context):
    logger.debug("debug")
    logger.info("info")
    logger.warning("warning")
    logger.error("error")
    try:
        raise KeyError("inside")
    except KeyError:
        logger.exception("with a traceback")
    return {"success": True}


# Its result is none.


async def unserialisable(context):
    return {"result": object()}


async def nan(context):
    return {"result": float("nan")}


async def raw_bytes(context):
    return {"result": b"bytes"}


async def recursive(context):
    value = {}
    value["self"] = value
    return value


async def deep(context):
    value = None
    for _ in range(context.get("depth", 10_000)):
        value = [value]
    return value


async def surrogate(context):
    return {"result": "\ud800"}


async def huge_integer(context):
    return {"result": 10 ** context.get("digits", 10_000)}


async def large(context):
    return {"result": "z" * context.get("bytes", 500_000_000)}


DEEDS = {
    deed.__name__: deed
    for deed in (
        nothing,
        echo,
        success_false,
        pid,
        sleep,
        raises,
        raises_long,
        raises_unprintable,
        exits,
        never,
        blocks,
        spins,
        dies,
        segfault,
        aborts,
        memory,
        forks,
        daemon,
        fills_data,
        prints,
        prints_raw,
        prints_terminal_codes,
        logs,
        unserialisable,
        nan,
        raw_bytes,
        recursive,
        deep,
        surrogate,
        huge_integer,
        large,
    )
}
