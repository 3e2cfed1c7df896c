"""The first process of a sandbox: it reaps, and when the worker ends it says how and ends too.

Forked from the zygote it would keep some 2 MiB of copied pages for a loop of one system call. So on x86_64 it
becomes a program of its own, a page long, that needs no library and no file of the host's. Elsewhere, or where the
kernel refuses to run a file in memory, the loop below does the same.
"""

from __future__ import annotations

import os
import struct
from typing import NoReturn

WORKER = 2  # the second process of its namespace, always
STATUS = 3  # the descriptor that the worker's wait status is written to, 4 bytes

# Intel syntax. wait4(-1, rsp-8, 0, 0) until it gives the worker; write(3, rsp-8, 4); exit_group(0).
_X86_64 = (
    bytes.fromhex(
        "b89d000000"  # _start: mov eax, 157       prctl
        "bf0f000000"  #         mov edi, 15        PR_SET_NAME
        "488d3545000000"  #     lea rsi, [rip+name]
        "0f05"  #               syscall
        "b83d000000"  # reap:   mov eax, 61        wait4
        "83cfff"  #             or edi, -1         any child
        "488d7424f8"  #         lea rsi, [rsp-8]   its status
        "31d2"  #               xor edx, edx
        "4531d2"  #             xor r10d, r10d
        "0f05"  #               syscall
        "83f802"  #             cmp eax, 2         the worker?
        "740b"  #               je done
        "85c0"  #               test eax, eax
        "7fe3"  #               jg reap            an orphan
        "83f8fc"  #             cmp eax, -4        EINTR
        "74de"  #               je reap
        "eb16"  #               jmp end
        "b801000000"  # done:   mov eax, 1         write
        "bf03000000"  #         mov edi, 3         to the launcher
        "488d7424f8"  #         lea rsi, [rsp-8]
        "ba04000000"  #         mov edx, 4
        "0f05"  #               syscall
        "b8e7000000"  # end:    mov eax, 231       exit_group
        "31ff"  #               xor edi, edi
        "0f05"  #               syscall
    )
    + b"berth-init\0"
)  # name
_PROGRAMS = {"x86_64": (62, _X86_64)}
_BASE = 0x400000
_HEADERS = 64 + 56


def elf(machine: str) -> bytes | None:
    """A static executable for the machine: one loadable segment, read and execute. See elf(5)."""
    if machine not in _PROGRAMS:
        return None
    number, code = _PROGRAMS[machine]
    size = _HEADERS + len(code)
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", identity, 2, number, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 4096)
    return header + segment + code


def prepare(machine: str) -> int:
    """A descriptor of the program in memory, -1 where there is none."""
    program = elf(machine)
    if program is None:
        return -1
    try:
        fd = os.memfd_create("berth-init", os.MFD_CLOEXEC)
    except OSError:
        return -1
    os.write(fd, program)
    # What may be run but not read can't be looked into by others of the same uid either (proc(5), dumpable).
    os.fchmod(fd, 0o111)
    return fd


def become(program: int, status: int) -> NoReturn:
    """Never returns. The worker must be the only child so far."""
    try:
        if program >= 0:
            try:
                if program == STATUS:
                    program = os.dup(program)
                os.dup2(status, STATUS)
                os.execve(program, ["berth-init"], {})
            except OSError:
                status = STATUS
        while True:
            pid, result = os.waitpid(-1, 0)
            if pid == WORKER:
                os.write(status, struct.pack("i", result))
                os._exit(0)
    finally:
        os._exit(1)
