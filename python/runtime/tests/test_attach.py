"""The helper as the host starts it."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

START = "import sys; sys.path.insert(1, sys.argv[1]); from berth_runtime import attach; attach.main()"
RUNTIME = pathlib.Path(__file__).parents[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount in containers")
def test_a_terminals_interrupt_is_for_the_host(tmp_path: pathlib.Path) -> None:
    program = [sys.executable, "-I", "-S", "-c", START, str(RUNTIME), str(tmp_path), "", str(tmp_path / "placed")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as helper:
        assert helper.stdin is not None
        assert helper.stdout is not None
        assert json.loads(helper.stdout.readline())["problem"] == ""
        helper.send_signal(signal.SIGINT)
        helper.stdin.write('{"id":1,"unplace":"/nowhere"}\n')
        helper.stdin.flush()
        assert json.loads(helper.stdout.readline())["id"] == 1
        helper.stdin.close()
    assert helper.returncode == 0
