"""Calls at a steady rate, whatever becomes of the ones before: python -m harness.openloop PORT PLUGIN RATE SECONDS.

Latency counts from the moment a call was to be sent, so that a server that stands still is not flattered by a
client that waits for it. It stands for a client on another machine, so where it may it never waits for a CPU of
this one (SCHED_FIFO). Prints {"p50": s, "p99": s, "calls": n, "errors": n}.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from queue import SimpleQueue

from .load import RawClient

_CONNECTIONS = 16


def main() -> None:
    port, plugin, rate, length = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    due: SimpleQueue[float | None] = SimpleQueue()
    taken: list[float] = []
    errors: list[str] = []

    def send() -> None:
        client = RawClient(port)
        while (at := due.get()) is not None:
            status, body = client.request("POST", f"/api/plugins/{plugin}/execute", b'{"context":{}}')
            taken.append(time.perf_counter() - at)
            if status != 200:
                errors.append(f"{status} {body[:200]!r}")
        client.close()

    threads = [threading.Thread(target=send) for _ in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    begun = time.perf_counter()
    for i in range(int(rate * length)):
        at = begun + i / rate
        time.sleep(max(0.0, at - time.perf_counter()))
        due.put(at)
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    taken.sort()
    print(
        json.dumps(
            {
                "p50": taken[len(taken) // 2],
                "p99": taken[int(len(taken) * 0.99)],
                "calls": len(taken),
                "errors": len(errors),
                "first": errors[0] if errors else "",
            }
        )
    )


if __name__ == "__main__":
    main()
