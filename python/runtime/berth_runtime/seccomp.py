"""Turns seccomp.json, the list of refused system calls, into a program of classic BPF for seccomp(2)."""

from __future__ import annotations

import ctypes
import errno
import json
import struct
from typing import Any

from berth_runtime import linux

_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_JUMP = 0x05
_JUMP_EQUAL = 0x15
_JUMP_GREATER_EQUAL = 0x35
_JUMP_BITS = 0x45
_RETURN = 0x06

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_KILL_PROCESS = 0x80000000

# Offsets in struct seccomp_data; the low half of an argument comes first on the machines we know.
_NUMBER = 0
_ARCHITECTURE = 4
_ARGUMENTS = 16

_SET_MODE_FILTER = 1


def _op(code: int, k: int, jump_true: int = 0, jump_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, jump_true, jump_false, k)


def _refusal(name: str) -> int:
    return _ERRNO | int(getattr(errno, name))


def build(policy: dict[str, Any], machine: str) -> bytes:
    """The program for one architecture, as an array of struct sock_filter.

    ValueError when the policy does not know the architecture or holds a rule it gives no number for.
    """
    architecture = policy["architectures"].get(machine)
    if architecture is None:
        raise ValueError(f"seccomp.json knows {', '.join(policy['architectures'])}, not {machine}")
    numbers = policy["numbers"][machine]
    known_elsewhere = {call for table in policy["numbers"].values() for call in table}

    program = [
        _op(_LOAD_WORD, _ARCHITECTURE),
        _op(_JUMP_EQUAL, int(architecture["audit"], 16), 1, 0),
        _op(_RETURN, _KILL_PROCESS),
        _op(_LOAD_WORD, _NUMBER),
    ]
    if "x32_bit" in architecture:
        program += [
            _op(_JUMP_GREATER_EQUAL, int(architecture["x32_bit"], 16), 0, 1),
            _op(_RETURN, _KILL_PROCESS),
        ]
    outcomes: dict[int, list[bytes]] = {}
    conditional: dict[int, list[bytes]] = {}
    for rule in policy["rules"]:
        refusal = _op(_RETURN, _refusal(rule["errno"]))
        for call in rule["calls"]:
            if call not in numbers:
                if call in known_elsewhere:
                    continue  # this architecture never had the call
                raise ValueError(f"seccomp.json has a rule for {call} but no number")
            if "when" in rule:
                conditional.setdefault(numbers[call], []).extend(_test(rule["when"], refusal))
            else:
                outcomes.setdefault(numbers[call], [refusal])
    for number, body in conditional.items():
        # The body leaves the accumulator changed, so it ends by letting the call through.
        outcomes.setdefault(number, [*body, _op(_RETURN, _ALLOW)])
    return b"".join(program + _search(_ranges(outcomes, policy["newest"], _refusal(policy["above_newest"]))))


def _ranges(outcomes: dict[int, list[bytes]], newest: int, above: int) -> list[tuple[int, list[bytes]]]:
    """What is done with which numbers: the first of each range, rising, and what is done with all of it."""
    allowed = [_op(_RETURN, _ALLOW)]
    ranges: list[tuple[int, list[bytes]]] = []
    for number in range(newest + 2):
        outcome = [_op(_RETURN, above)] if number > newest else outcomes.get(number, allowed)
        if not ranges or ranges[-1][1] != outcome:
            ranges.append((number, outcome))
    return ranges


def _search(ranges: list[tuple[int, list[bytes]]]) -> list[bytes]:
    """Finds the range by halves. The kernel tries a filter on every call's number when it is applied, to know which
    are always let through, so its length is what applying it costs."""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, rest = _search(ranges[:middle]), _search(ranges[middle:])
    first = ranges[middle][0]
    if len(below) < 256:  # as far as a conditional jump goes
        return [_op(_JUMP_GREATER_EQUAL, first, len(below), 0), *below, *rest]
    return [_op(_JUMP_GREATER_EQUAL, first, 0, 1), _op(_JUMP, len(below)), *below, *rest]


def _test(conditions: list[dict[str, Any]], refusal: bytes) -> list[bytes]:
    """Falls into `refusal` when all conditions hold, else jumps past it."""
    pieces: list[list[bytes]] = []
    rest = 1  # instructions between here and the end: the refusal, so far
    for condition in reversed(conditions):
        value = int(condition["value"], 16 if condition["value"].startswith("0x") else 10)
        load = [_op(_LOAD_WORD, _ARGUMENTS + 8 * condition["argument"])]
        if "mask" in condition:
            load.append(_op(_AND, int(condition["mask"], 16)))
        op = condition["op"]
        if op == "eq":
            jump = _op(_JUMP_EQUAL, value, 0, rest)
        elif op == "ne":
            jump = _op(_JUMP_EQUAL, value, rest, 0)
        elif op == "bits":
            jump = _op(_JUMP_BITS, value, 0, rest)
        else:
            raise ValueError(f"seccomp.json: unknown op {op!r}")
        piece = [*load, jump]
        rest += len(piece)
        pieces.insert(0, piece)
    return [op for piece in pieces for op in piece] + [refusal]


def read_policy(path: str) -> dict[str, Any]:
    """The policy as data."""
    with open(path, encoding="utf-8") as f:
        policy: dict[str, Any] = json.load(f)
    return policy


class Filter:
    """A program ready to be applied; made once, before forking."""

    def __init__(self, program: bytes) -> None:
        self.program = program
        self._program = ctypes.create_string_buffer(program, len(program))
        count = len(program) // 8
        self._header = struct.pack("HxxxxxxP", count, ctypes.addressof(self._program))

    def apply(self) -> None:
        """Applies it to the calling thread and what it will start, for good. Needs no_new_privs."""
        linux.syscall("seccomp", _SET_MODE_FILTER, 0, self._header)
