"""A container's program, run as it is but for its worker."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("raises", "status", "said"),
    [("1 / 0", 1, "ZeroDivisionError"), ("sys.exit(7)", 7, ""), ("sys.exit('no')", 1, "")],
)
def test_what_a_worker_fails_with_is_its_last_words(raises: str, status: int, said: str) -> None:
    code = f"import sys; from berth_runtime import container, worker; worker.begin = lambda: {raises}\n"
    code += "container.main()"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert ended.returncode == status
    assert said in ended.stderr
    assert bool(said) == bool(ended.stderr)
