"""The filter program, run in a small interpreter of classic BPF: every rule, on both architectures."""

from __future__ import annotations

import errno
import functools
import json
import pathlib
import re
import struct
from typing import Any

import pytest
from berth_runtime import linux, seccomp

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


@functools.lru_cache
def decoded(machine: str) -> list[tuple[int, int, int, int]]:
    program = seccomp.build(POLICY, machine)
    return [struct.unpack_from("<HBBI", program, 8 * i) for i in range(len(program) // 8)]


def run(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the kernel would answer."""
    code = decoded(machine)
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
        elif op == 0x05:
            at += k
        else:
            holds = {
                0x15: accumulator == k,
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
def test_every_call_without_a_rule_passes(machine: str) -> None:
    ruled = {call for rule in POLICY["rules"] for call in rule["calls"]}
    numbers = {n for call, n in POLICY["numbers"][machine].items() if call in ruled}
    free = set(range(POLICY["newest"] + 1)) - numbers
    assert len(free) > 300
    assert {number: run(machine, number) for number in free} == dict.fromkeys(free, ALLOW)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_number_is_found_in_few_steps(machine: str) -> None:
    # Applying the filter costs the kernel the sum of these, see seccomp._search.
    code = decoded(machine)
    steps = {len(code): 0}
    for at in range(len(code) - 1, -1, -1):
        op, jump_true, jump_false, k = code[at]
        nexts = {0x05: [at + 1 + k], 0x06: [len(code)]}.get(op, [at + 1 + jump_true, at + 1 + jump_false])
        steps[at] = 1 + max(steps[n] for n in nexts)
    assert steps[0] < 64


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


@pytest.mark.parametrize("machine", MACHINES)
def test_no_file_becomes_set_user_id_or_set_group_id(machine: str) -> None:
    numbers = POLICY["numbers"][machine]
    create, tmpfile = 0x40 | 1, 0x400000 | 2
    for mode, answer in ((0o644, ALLOW), (0o1777, ALLOW), (0o4755, refused("EPERM")), (0o2755, refused("EPERM"))):
        made: list[tuple[Any, ...]] = [
            ("fchmod", 3, mode),
            ("fchmodat", 3, 0, mode),
            ("fchmodat2", 3, 0, mode),
            ("mkdirat", 3, 0, mode),
        ]
        made += [("mknodat", 3, 0, 0o10000 | mode), ("openat", 3, 0, create, mode), ("openat", 3, 0, tmpfile, mode)]
        if machine == "x86_64":
            made += [("chmod", 0, mode), ("mkdir", 0, mode), ("creat", 0, mode), ("mknod", 0, mode)]
            made += [("open", 0, create, mode), ("open", 0, tmpfile, mode)]
        for name, *arguments in made:
            assert run(machine, numbers[name], *arguments) == answer, (name, oct(mode))
    # Without the flags that make a file there is no mode: what is in its place means nothing.
    assert run(machine, numbers["openat"], 3, 0, 0x80000, 0o6777) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_fcntl_takes_no_lease(machine: str) -> None:
    number = POLICY["numbers"][machine]["fcntl"]
    assert [run(machine, number, 3, command) for command in (1, 6, 1030, 1033)] == [ALLOW] * 4
    assert [run(machine, number, 3, command) for command in (1024, 1026)] == [refused("EPERM")] * 2


def policy_says(call: str, arguments: tuple[int, ...]) -> int:
    """The policy read as its head says: the first rule whose conditions all hold, on the low half of arguments."""

    def holds(condition: dict[str, Any]) -> bool:
        value = int(condition["value"], 0)
        found = arguments[condition["argument"]] & int(condition.get("mask", "0xffffffff"), 0)
        return bool({"eq": found == value, "ne": found != value, "bits": found & value}[condition["op"]])

    for rule in POLICY["rules"]:
        if call in rule["calls"] and all(holds(c) for c in rule.get("when", [])):
            return refused(rule["errno"])
    return ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_every_call_is_answered_as_the_policy_says(machine: str) -> None:
    told_apart = {int(c["value"], 0) for rule in POLICY["rules"] for c in rule.get("when", [])}
    flags = {1 << n for n in range(32)}
    values = sorted(told_apart | {v + 1 for v in told_apart} | flags | {0, 3, 16, 0x80801, 0x3D0F00})
    conditional = {call for rule in POLICY["rules"] if "when" in rule for call in rule["calls"]}
    for call, number in POLICY["numbers"][machine].items():
        few = values if call in conditional else (0, 0xFFFFFFFF)
        for first in few:
            for second in (0, 1, 2, 3, 5, 0x40, 0x400, 0x402, 0x80802, 0x5412, 0x541C, 0x410000):
                for third in (0, 1, 6, 17, 132, 0o644, 0o4755, 0x40):
                    arguments = (first & 0xFFFFFFFF, second, third, first & 0xFFFFFFFF)
                    assert run(machine, number, *arguments) == policy_says(call, arguments), (call, arguments)


def test_every_call_is_allowed_or_named_by_a_rule_and_has_a_number() -> None:
    ruled = {call for rule in POLICY["rules"] for call in rule["calls"]}
    allowed = POLICY["allowed"]
    assert len(set(allowed)) == len(allowed)
    assert not ruled & set(allowed)
    numbered = {call for table in POLICY["numbers"].values() for call in table}
    assert ruled | set(allowed) == numbered
    for table in POLICY["numbers"].values():
        assert len(set(table.values())) == len(table)
        assert max(table.values()) == POLICY["newest"]


# The kernel's own tables, where its headers are installed (Debian: linux-libc-dev).
HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    "aarch64": ("/usr/include/asm-generic/unistd.h",),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_the_kernels(machine: str) -> None:
    found = [pathlib.Path(path) for path in HEADERS[machine] if pathlib.Path(path).exists()]
    if not found:
        pytest.skip(f"no kernel headers here: none of {', '.join(HEADERS[machine])}")
    text = found[0].read_text(encoding="ascii")
    kernel = {name: int(number) for name, number in re.findall(r"define __NR_(\w+)\s+(\d+)", text)}
    # What has one number on 64-bit machines and another name on 32-bit ones.
    shared = {name: int(number) for name, number in re.findall(r"define __NR3264_(\w+)\s+(\d+)", text)}
    kernel.update(
        (name, shared[of])
        for name, of in reversed(re.findall(r"define __NR_(\w+) __NR3264_(\w+)", text))
        if of in shared
    )
    table = POLICY["numbers"][machine]
    both = set(kernel) & set(table)
    assert {name: table[name] for name in both} == {name: kernel[name] for name in both}
    assert len(both) > 290
    # An older kernel's headers lack the newest calls; a newer one's have more of them.
    unknown = {n for n, number in kernel.items() if n not in table and number <= POLICY["newest"]}
    not_calls = {"syscalls", "arch_specific_syscall", "sync_file_range2"}
    assert {n for n in unknown - not_calls if "time64" not in n} <= set(ALIASES)


# 32-bit names of calls that the 64-bit tables hold under another.
ALIASES = (
    *("fcntl64", "statfs64", "fstatfs64", "truncate64", "ftruncate64", "llseek", "sendfile64", "fstatat64"),
    *("fstat64", "mmap2", "fadvise64_64", "stat64", "lstat64"),
)


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_of_this_module_have_the_tables_numbers(machine: str) -> None:
    for name, number in {**linux._NUMBERS[machine], **linux._COMMON}.items():
        assert POLICY["numbers"][machine][name] == number, name


def test_an_unknown_architecture_and_a_rule_without_number_are_errors() -> None:
    with pytest.raises(ValueError, match=r"seccomp\.json knows x86_64, aarch64, not riscv64"):
        seccomp.build(POLICY, "riscv64")
    broken = {**POLICY, "rules": [{"errno": "EPERM", "calls": ["no_such_call"]}]}
    with pytest.raises(ValueError, match="a rule for no_such_call but no number"):
        seccomp.build(broken, "x86_64")
