"""Attacks on the host, from inside, each named by what it does."""

import asyncio
import ctypes
import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import time

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


def _channels():
    """Every socket this process has, output's among them."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                yield int(name)
        except OSError:
            pass


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

        me = os.getpid()
        return {
            name: _name(work)
            for name, work in {
                "shadow": read("/etc/shadow"),
                "root": read("/root/.bashrc"),
                "docker_socket": lambda: socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock"),
                "init_root": lambda: os.listdir("/proc/1/root/root") and None,
                "core_pattern": write("/proc/sys/kernel/core_pattern"),
                "sysrq": write("/proc/sysrq-trigger"),
                "sys": write("/sys/kernel/x"),
                "oom_score": lambda: open(f"/proc/{me}/oom_score_adj", "w").write("-1000") and None,
                "workspace": write("/workspace/main.py"),
                "site": write("/site/x"),
                "runtime": write("/runtime/x"),
                "usr": write("/usr/x"),
                "setuid": lambda: os.setuid(0),
                "setgroups": lambda: os.setgroups([0]),
                "chroot": lambda: os.chroot("/tmp"),
                "unshare_user": lambda: _call("unshare", 0x10000000),
                "unshare_mount": lambda: _call("unshare", 0x00020000),
                "mount": lambda: _call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
                "ptrace": lambda: _call("ptrace", 0, 0, 0, 0),
                "bpf": lambda: _call("syscall", 321, 0, 0, 0),
                "io_uring": lambda: _call("syscall", 425, 1, ctypes.create_string_buffer(120)),
                "userfaultfd": lambda: _call("syscall", 323, 0),
                "keyctl": lambda: _call("syscall", 250, 1, 0),
                "perf": lambda: _call("syscall", 298, ctypes.create_string_buffer(128), 0, -1, -1, 0),
                "netlink": family(16, socket.SOCK_RAW),
                "packet": family(17, socket.SOCK_RAW),
                "alg": family(38, socket.SOCK_SEQPACKET),
                "vsock": family(40),
                "out_of_band": lambda: socket.socketpair()[0].send(b"x", socket.MSG_OOB) and None,
                "out_of_band_read": lambda: socket.socketpair()[0].recv(1, socket.MSG_OOB) and None,
                "raw_inet": family(socket.AF_INET, socket.SOCK_RAW, 1),
                "realtime": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
                "nice": lambda: os.nice(-5) and None,
                "limits": lambda: __import__("resource").setrlimit(7, (1 << 20, 1 << 20)),
                "exec_data": lambda: self._exec_data(),
                "kill_init": kill_init,
            }.items()
        }

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
