"""Reads, writes and runs what it is told to."""

import errno
import fcntl
import os
import subprocess


class Reader:
    def __init__(self, config):
        pass

    def execute(self, context):
        try:
            return {"value": getattr(self, context["do"])(context["at"])}
        except OSError as e:
            return {"error": errno.errorcode.get(e.errno, str(e))}

    def read(self, path):
        with open(path) as f:
            return f.read()

    def write(self, path):
        with open(path, "w") as f:
            f.write("written by a plugin")
        return os.path.exists(path)

    def names(self, path):
        return sorted(os.listdir(path))

    def link(self, path):
        os.symlink("/etc/shadow", path)
        return os.readlink(path)

    def privileged(self, path):
        os.chmod(path, 0o4755)
        return oct(os.stat(path).st_mode)

    def hold(self, path):
        self.held = open(path)
        return fcntl.fcntl(self.held, fcntl.F_SETLEASE, fcntl.F_WRLCK)

    def run(self, path):
        return subprocess.run([path], capture_output=True, text=True, check=True).stdout
