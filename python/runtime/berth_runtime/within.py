"""Work to be done in another mount namespace, by a child that sees nothing else from then on."""

from __future__ import annotations

import os
import signal
from typing import Callable, Optional

from berth_runtime import linux
from berth_runtime.steps import StepError


def within(namespace: int, work: Callable[[], None], before: Optional[Callable[[], None]] = None) -> None:
    """Does it there, and waits for it. namespace: a descriptor. before: what the child does while it still is here.
    Raises ValueError with what it failed with."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if before is not None:
                before()
            linux.setns(namespace, linux.CLONE_NEWNS)
            work()
        except StepError as e:
            os.write(write, f"{e.step}: {e.cause}".encode())
        except BaseException as e:
            os.write(write, str(e).encode() or b"?")
        finally:
            os.kill(os.getpid(), signal.SIGKILL)  # nothing of the parent's is to be run at its end
    os.close(write)
    with os.fdopen(read, "rb") as f:
        problem = f.read()
    os.waitpid(child, 0)
    if problem:
        raise ValueError(problem.decode())
