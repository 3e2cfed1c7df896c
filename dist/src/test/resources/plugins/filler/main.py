"""Writes until it may not."""

import errno
import os
import shutil


class Filler:
    def __init__(self, config):
        pass

    def execute(self, context):
        return getattr(self, context["do"])(context)

    def fill(self, context):
        """Bytes until the end; the error's name and how many went in."""
        written = 0
        try:
            with open(context["at"] + "/full", "wb", 0) as f:
                for _ in range(1 << 20):
                    written += f.write(b"x" * 65536)
        except OSError as e:
            return {"error": errno.errorcode[e.errno], "bytes": written}
        return {"error": "", "bytes": written}

    def files(self, context):
        """Empty files until the end."""
        made = 0
        try:
            os.makedirs(context["at"] + "/many", exist_ok=True)
            for _ in range(1_000_000):
                os.close(os.open(f"{context['at']}/many/{made}", os.O_CREAT | os.O_WRONLY))
                made += 1
        except OSError as e:
            return {"error": errno.errorcode[e.errno], "files": made}
        return {"error": "", "files": made}

    def sparse(self, context):
        try:
            with open(context["at"] + "/sparse", "wb") as f:
                f.truncate(1 << 50)
        except OSError as e:
            return {"error": errno.errorcode[e.errno]}
        return {"error": ""}

    def deep(self, context):
        """Folders in folders until the end."""
        os.chdir(context["at"])
        made = 0
        try:
            for _ in range(100_000):
                os.mkdir("d")
                os.chdir("d")
                made += 1
        except OSError as e:
            return {"error": errno.errorcode[e.errno], "folders": made}
        finally:
            os.chdir("/")
        return {"error": "", "folders": made}

    def clear(self, context):
        for name in os.listdir(context["at"]):
            path = os.path.join(context["at"], name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        return {"left": os.listdir(context["at"])}

    def keep(self, context):
        with open("/data/kept", "a") as f:
            f.write("line\n")
        with open("/data/kept") as f:
            return {"lines": len(f.readlines()), "names": sorted(os.listdir("/data"))}

    def raises(self, context):
        with open("/data/full", "ab", 0) as f:
            while True:
                f.write(b"x" * 65536)
