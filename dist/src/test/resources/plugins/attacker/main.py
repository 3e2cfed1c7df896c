"""Attacks on the host, from inside, each named by what it does."""

import asyncio
import ctypes
import errno
import json
import os
import platform
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import berth_runtime

libc = ctypes.CDLL(None, use_errno=True)


def _name(work):
    """What a refused attempt is refused with."""
    try:
        result = work()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    except Exception as e:
        return type(e).__name__
    return "ok" if result is None else f"ok {result!r}"[:200]


def _call(name, *arguments):
    ctypes.set_errno(0)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


def _numbers():
    """Of this machine's system calls, by name."""
    policy = json.loads(Path(berth_runtime.__file__).with_name("seccomp.json").read_text())
    return policy["numbers"][platform.machine()]


def _channels():
    """Every socket this process has, output's among them."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                yield int(name)
        except OSError:
            pass


def _channel():
    """The one that leads to somewhere with a name: the host."""
    for fd in _channels():
        with socket.socket(fileno=os.dup(fd)) as s:
            if s.getpeername():
                return fd


def _frame(body):
    return len(body).to_bytes(4, "big") + body


def _say(data):
    for fd in _channels():
        os.set_blocking(fd, True)
        os.write(fd, data)
        os.set_blocking(fd, False)  # or the worker's own loop would stand still


class Attacker:
    def __init__(self, config):
        pass

    async def execute(self, context):
        done = getattr(self, context["do"])(context)
        return await done if asyncio.iscoroutine(done) else done

    def nothing(self, context):
        return {"fine": True}

    # Resources.

    def fork_bomb(self, context):
        while True:
            try:
                os.fork()
            except OSError:
                time.sleep(0.001)

    def output(self, context):
        line = b"x" * 65535 + (b"\n" if context.get("lines") else b"x")
        for _ in range(context["mb"] * 16):
            os.write(1, line)
        return {}

    def daemon(self, context):
        """A grandchild in a session of its own, which ignores what can be ignored."""
        code = "import signal, time\nfor s in range(1, 32):\n  try: signal.signal(s, signal.SIG_IGN)\n"
        code += "  except Exception: pass\ntime.sleep(600) # " + context["mark"]
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv(sys.executable, [sys.executable, "-c", code])
            os._exit(0)
        return {}

    def deaf_to_sigterm(self, context):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Attacker.cleanup = lambda self: time.sleep(600)
        return {}

    def segfault(self, context):
        ctypes.string_at(0)

    def stop_itself(self, context):
        os.kill(os.getpid(), signal.SIGSTOP)

    def leave_a_child_behind(self, context):
        """The worker goes; a child keeps its sockets open."""
        if os.fork() == 0:
            time.sleep(600)
        os._exit(7)

    def log_forgery(self, context):
        print("\x1b[2J\x1b]0;owned\x07 red\r\n{\"level\":\"CRITICAL\",\"source\":\"host\"}")
        return {}

    # The channel.

    def forged_answer(self, context):
        _say(_frame(b'{"jsonrpc":"2.0","id":424242,"result":{"success":true,"value":"forged"}}'))
        time.sleep(1)

    def answers_twice(self, context):
        from berth_runtime import call

        body = b'{"jsonrpc":"2.0","id":%d,"result":{"success":true,"value":"first"}}' % call.current_id.get()
        _say(_frame(body))
        return "second"

    def gives_descriptors(self, context):
        """Open files beside well-formed frames, for the host to keep."""
        from berth_runtime import call

        note = b'{"jsonrpc":"2.0","method":"progress","params":{"id":%d,"fraction":null,"message":""}}'
        kept = [os.open("/dev/null", os.O_RDONLY) for _ in range(100)]
        for fd in _channels():
            os.set_blocking(fd, True)
            with socket.socket(fileno=os.dup(fd)) as s:
                for _ in range(200):
                    try:
                        socket.send_fds(s, [_frame(note % call.current_id.get())], kept)
                    except OSError as e:
                        if e.errno != errno.ETOOMANYREFS:  # more than may be on their way at once
                            raise
            os.set_blocking(fd, False)
        for fd in kept:
            os.close(fd)
        return {}

    def floods(self, context):
        """Well-formed frames, as fast as the host takes them, for three seconds."""
        from berth_runtime import call

        me = call.current_id.get()
        record = b'{"time":1,"level":"INFO","source":"logging","logger":"a","message":"b"}'
        method, params = {
            "progress": (b"progress", b'{"id":%d,"fraction":0.5,"message":"x"}' % me),
            "log": (b"log", b'{"records":[%b],"dropped":0}' % b",".join([record] * 1000)),
            "cancelling": (b"cancelling", b'{"id":%d}' % me),
            "late": (b"partial", b'{"id":%d,"value":1}' % (me - 1)),
        }[context["with"]]
        frame = _frame(b'{"jsonrpc":"2.0","method":"%b","params":%b}' % (method, params))
        many = frame * max(1, (256 << 10) // len(frame))
        end, sent, rest = time.monotonic() + 3, 0, b""
        with socket.socket(fileno=os.dup(_channel())) as s:
            s.settimeout(10)
            while rest or time.monotonic() < end:
                rest = rest or many
                written = s.send(rest)
                sent += written
                rest = rest[written:]
            s.setblocking(False)
        return {"bytes": sent}

    def closes_all(self, context):
        os.closerange(0, 1024)
        time.sleep(10)

    def mixes_up(self, context):
        """What it prints goes where it answers, and the other way round."""
        channels = [*_channels(), 1]
        for fd in channels:
            for other in channels:
                os.dup2(fd, other)
        print("hello", flush=True)
        time.sleep(10)

    def raw(self, context):
        _say(bytes.fromhex(context["hex"]))
        time.sleep(1)

    # The walls: what each attempt is refused with.

    def walls(self, context):
        def read(path):
            return lambda: open(path, "rb").read(100) and None

        def write(path):
            return lambda: open(path, "wb").write(b"x") and None

        def family(number, kind=socket.SOCK_STREAM, protocol=0):
            return lambda: socket.socket(number, kind, protocol).close()

        def kill_init():
            os.kill(1, signal.SIGKILL)

        numbers = _numbers()

        def call(name, *arguments):
            return lambda: _call("syscall", numbers[name], *arguments)

        me = os.getpid()
        attempts = {
            # What the machine has.
            "shadow": read("/etc/shadow"),
            "root": read("/root/.bashrc"),
            "host_data": lambda: os.listdir(context["data"]) and None,
            "host_secret": read(context["secret"]),
            "other_plugin": lambda: os.listdir(context["data"] + "/packages") and None,
            "init_root": lambda: os.listdir("/proc/1/root/root") and None,
            "docker_socket": lambda: socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock"),
            "docker_port": lambda: socket.create_connection(("172.17.0.1", 2375), 2),
            "core_pattern": write("/proc/sys/kernel/core_pattern"),
            "sysrq": write("/proc/sysrq-trigger"),
            "sys": write("/sys/kernel/uevent_helper"),
            "release_agent": write("/sys/fs/cgroup/memory/release_agent"),
            "mount_cgroup": lambda: _call("mount", b"none", b"/tmp", b"cgroup", 0, b"memory"),
            "oom_score": lambda: open(f"/proc/{me}/oom_score_adj", "w").write("-1000") and None,
            # What is its own, and not to be changed.
            "workspace": write("/workspace/main.py"),
            "site": write("/site/x"),
            "runtime": write(os.path.dirname(berth_runtime.__file__) + "/worker.py"),
            "usr": write("/usr/x"),
            "exec_data": lambda: self._exec_data(),
            # Who it is, and how much it may have.
            "setuid": lambda: os.setuid(0),
            "setgroups": lambda: os.setgroups([0]),
            "realtime": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
            "nice": lambda: os.nice(-5) and None,
            "limits": lambda: _call("setrlimit", 7, (ctypes.c_ulong * 2)(1 << 20, 1 << 20)),
            "kill_init": kill_init,
            # Namespaces and mounts.
            "chroot": lambda: os.chroot("/tmp"),
            "mount": lambda: _call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
            "unshare_user": lambda: _call("unshare", 0x10000000),
            "unshare_mount": lambda: _call("unshare", 0x00020000),
            "setns": lambda: _call("setns", os.open("/proc/self/ns/user", os.O_RDONLY), 0),
            "clone_user": call("clone", 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0),
            "clone3": call("clone3", ctypes.create_string_buffer(88), 88),
            # Other processes.
            "ptrace": lambda: _call("ptrace", 0, 0, 0, 0),
            "process_vm_readv": call("process_vm_readv", 1, 0, 0, 0, 0, 0),
            "process_vm_writev": call("process_vm_writev", 1, 0, 0, 0, 0, 0),
            "pidfd_getfd": lambda: _call("syscall", numbers["pidfd_getfd"], os.pidfd_open(me), 0, 0),
            "kcmp": call("kcmp", me, me, 0, 0, 0),
            # The kernel.
            "init_module": call("init_module", b"", 0, b""),
            "finit_module": call("finit_module", 0, b"", 0),
            "kexec_load": call("kexec_load", 0, 0, 0, 0),
            "bpf": call("bpf", 0, 0, 0),
            "io_uring": call("io_uring_setup", 1, ctypes.create_string_buffer(120)),
            "userfaultfd": call("userfaultfd", 0),
            "keyctl": call("keyctl", 1, 0),
            "add_key": call("add_key", b"user", b"x", b"x", 1, -1),
            "perf": call("perf_event_open", ctypes.create_string_buffer(128), 0, -1, -1, 0),
            "sync": call("sync"),
            "syncfs": lambda: _call("syncfs", os.open("/workspace", os.O_RDONLY)),
            # What the machine has once for all.
            "disk_priority": call("ioprio_set", 1, 0, 2 << 13),
            "core_scheduling": lambda: _call("prctl", 62, 1, 0, 0, 0),
            "huge_pages": call("mmap", 0, 2 << 20, 3, 0x40022, -1, 0),
            "huge_file": call("memfd_create", b"x", 4),
            "huge_segment": call("shmget", 0, 2 << 20, 0x800 | 0o1600),
            "own_filter": call("seccomp", 2, 0, ctypes.byref(ctypes.c_uint(0x7FFF0000))),
            "own_filter_by_prctl": lambda: _call("prctl", 22, 2, 0, 0, 0),
            "socket_filter": lambda: socket.socketpair()[0].setsockopt(1, 26, bytes(16)),
            "port_filter": lambda: socket.socket().setsockopt(1, 51, bytes(16)),
            "shared_port": lambda: socket.socket().setsockopt(1, 15, 1),
            # Sockets.
            "netlink": family(16, socket.SOCK_RAW),
            "packet": family(17, socket.SOCK_RAW),
            "alg": family(38, socket.SOCK_SEQPACKET),
            "vsock": family(40),
            "raw_inet": family(socket.AF_INET, socket.SOCK_RAW, 1),
            "out_of_band": lambda: socket.socketpair()[0].send(b"x", socket.MSG_OOB) and None,
            "out_of_band_read": lambda: socket.socketpair()[0].recv(1, socket.MSG_OOB) and None,
        }
        return {name: _name(work) for name, work in attempts.items()}

    def _exec_data(self):
        with open("/data/tool", "wb") as f:
            f.write(b"#!/bin/sh\n")
        os.chmod("/data/tool", 0o755)
        subprocess.run(["/data/tool"], check=True)

    def looks(self, context):
        """What of other processes and of the host's environment is to be seen."""
        seen = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as f:
                        seen.append(f.read().replace(b"\0", b" ").decode("latin-1"))
                except OSError:
                    pass
        try:
            with open("/proc/1/environ", "rb") as f:
                first = f.read().decode("latin-1")
        except OSError as e:
            first = errno.errorcode[e.errno]
        return {"processes": seen, "environment": sorted(os.environ), "first": first}
