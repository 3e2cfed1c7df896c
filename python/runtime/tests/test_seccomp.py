"""The filter program, run in a small interpreter of classic BPF: every rule, on both architectures."""

from __future__ import annotations

import errno
import json
import pathlib
import struct
from typing import Any

import pytest
from berth_runtime import seccomp

POLICY: dict[str, Any] = json.loads(
    (pathlib.Path(__file__).parents[3] / "protocol" / "seccomp.json").read_text(encoding="utf-8")
)
ALLOW = 0x7FFF0000
KILL = 0x80000000
MACHINES = sorted(POLICY["architectures"])
# Calls every program makes, by machine: read, write, openat, mmap, execve, futex, wait4, sendmsg, exit_group.
EVERYDAY = {
    "x86_64": (0, 1, 257, 9, 59, 202, 61, 46, 231),
    "aarch64": (63, 64, 56, 222, 221, 98, 260, 211, 94),
}


def refused(name: str) -> int:
    return 0x00050000 | int(getattr(errno, name))


def run(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the kernel would answer."""
    program = seccomp.build(POLICY, machine)
    code = [struct.unpack_from("<HBBI", program, 8 * i) for i in range(len(program) // 8)]
    architecture = int(POLICY["architectures"][machine]["audit"], 16) if audit is None else audit
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, architecture, 0, *padded)
    accumulator, at = 0, 0
    for _ in range(len(code)):
        op, jump_true, jump_false, k = code[at]
        at += 1
        if op == 0x20:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif op == 0x54:
            accumulator &= k
        elif op == 0x06:
            return int(k)
        else:
            holds = {
                0x15: accumulator == k,
                0x25: accumulator > k,
                0x35: accumulator >= k,
                0x45: bool(accumulator & k),
            }[op]
            at += jump_true if holds else jump_false
    raise AssertionError("the program does not end")


@pytest.mark.parametrize("machine", MACHINES)
def test_everyday_calls_pass(machine: str) -> None:
    assert [run(machine, n) for n in EVERYDAY[machine]] == [ALLOW] * len(EVERYDAY[machine])


@pytest.mark.parametrize("machine", MACHINES)
def test_every_unconditional_rule_refuses(machine: str) -> None:
    numbers = POLICY["numbers"][machine]
    tried = 0
    for rule in POLICY["rules"]:
        for call in rule["calls"]:
            if "when" not in rule and call in numbers:
                assert run(machine, numbers[call]) == refused(rule["errno"]), call
                tried += 1
    assert tried > 60


@pytest.mark.parametrize("machine", MACHINES)
def test_another_architecture_is_killed(machine: str) -> None:
    assert run(machine, 1, audit=0x40000003) == KILL
    assert run(machine, 1, audit=0) == KILL


def test_x32_is_killed() -> None:
    assert run("x86_64", 0x40000000 + 39) == KILL
    assert run("x86_64", 0xFFFFFFFF) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_newer_than_the_list_do_not_exist(machine: str) -> None:
    assert run(machine, POLICY["newest"]) == ALLOW
    assert run(machine, POLICY["newest"] + 1) == refused("ENOSYS")


@pytest.mark.parametrize("machine", MACHINES)
def test_clone_makes_threads_and_processes_but_no_namespaces(machine: str) -> None:
    clone = POLICY["numbers"][machine]["clone"]
    assert run(machine, clone, 0x3D0F00) == ALLOW  # what pthread_create passes
    assert run(machine, clone, 0x1200011) == ALLOW  # what fork passes
    for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert run(machine, clone, flag | 17) == refused("EPERM")
        assert run(machine, clone, 0x3D0F00 | flag) == refused("EPERM")


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("family", "kind", "protocol", "answer"),
    [
        (1, 1, 0, None),
        (1, 2, 0, None),
        (1, 5, 0, None),
        (2, 1, 0, None),
        (2, 1 | 0o2000000 | 0o4000, 6, None),
        (10, 2, 17, None),
        (2, 3, 1, "EPERM"),
        (2, 5, 0, "EPERM"),
        (10, 3, 58, "EPERM"),
        (2, 10, 0, "EPERM"),
        (2, 2, 1, "EPROTONOSUPPORT"),
        (2, 1, 132, "EPROTONOSUPPORT"),
        (2, 1, 262, "EPROTONOSUPPORT"),
        (16, 3, 0, "EAFNOSUPPORT"),
        (17, 3, 768, "EAFNOSUPPORT"),
        (38, 5, 0, "EAFNOSUPPORT"),
        (40, 1, 0, "EAFNOSUPPORT"),
        (0x1_0000_0010, 3, 0, "EAFNOSUPPORT"),  # the kernel looks at the low half, and so do we
    ],
)
def test_sockets(machine: str, family: int, kind: int, protocol: int, answer: str | None) -> None:
    expected = ALLOW if answer is None else refused(answer)
    assert run(machine, POLICY["numbers"][machine]["socket"], family, kind, protocol) == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_ioctl_and_personality(machine: str) -> None:
    numbers = POLICY["numbers"][machine]
    assert run(machine, numbers["ioctl"], 0, 0x5401) == ALLOW
    assert run(machine, numbers["ioctl"], 0, 0x5412) == refused("EPERM")
    assert run(machine, numbers["ioctl"], 0, 0x1_0000_5412) == refused("EPERM")
    assert run(machine, numbers["ioctl"], 0, 0x541C) == refused("EPERM")
    assert run(machine, numbers["personality"], 0xFFFFFFFF) == ALLOW
    assert run(machine, numbers["personality"], 0x0040000) == refused("EPERM")
    assert run(machine, numbers["socketpair"], 1) == ALLOW
    assert run(machine, numbers["socketpair"], 2) == refused("EAFNOSUPPORT")


def test_an_unknown_architecture_and_a_rule_without_number_are_errors() -> None:
    with pytest.raises(ValueError, match=r"seccomp\.json knows x86_64, aarch64, not riscv64"):
        seccomp.build(POLICY, "riscv64")
    broken = {**POLICY, "rules": [{"errno": "EPERM", "calls": ["no_such_call"]}]}
    with pytest.raises(ValueError, match="a rule for no_such_call but no number"):
        seccomp.build(broken, "x86_64")
