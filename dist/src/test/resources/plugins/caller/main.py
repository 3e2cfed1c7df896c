"""Reaches out in the ways that plugins and attackers do."""

import asyncio
import errno
import os
import socket
import stat
import urllib.error
import urllib.request
from urllib.parse import urlsplit


def _proxy():
    place = urlsplit(os.environ["http_proxy"])
    return place.hostname, place.port


class Caller:
    def __init__(self, config):
        self.kept = []

    async def execute(self, context):
        return await asyncio.to_thread(getattr(self, context["do"]), context)

    def get(self, context):
        """What urllib makes of an address, with a body when there is one to send."""
        data = context["body"].encode() if "body" in context else None
        try:
            with urllib.request.urlopen(context["url"], data, timeout=20) as answer:
                text = answer.read().decode()
                return {"status": answer.status, "text": text[:1000], "length": len(text)}
        except urllib.error.HTTPError as e:
            return {"status": e.code, "text": e.read().decode()}

    def connect(self, context):
        """Without the proxy: the name of the error, or "connected"."""
        family = socket.AF_INET6 if ":" in context["host"] else socket.AF_INET
        kind = socket.SOCK_DGRAM if context.get("udp") else socket.SOCK_STREAM
        with socket.socket(family, kind) as s:
            s.settimeout(5)
            try:
                s.connect((context["host"], context["port"]))
                if context.get("udp"):
                    s.send(b"x")
            except OSError as e:
                return {"error": errno.errorcode.get(e.errno, str(e))}
        return {"error": "connected"}

    def lookup(self, context):
        try:
            return {"found": str(socket.getaddrinfo(context["host"], 80))}
        except OSError as e:
            return {"found": "", "error": str(e)}

    def raw(self, context):
        """Bytes to the proxy as they are, and what comes back until it closes."""
        with socket.create_connection(_proxy(), 20) as s:
            s.sendall(context["send"].encode("latin-1"))
            answer = b""
            try:
                while piece := s.recv(65536):
                    answer += piece
            except ConnectionError:
                pass
        return {"text": answer.decode("latin-1")}

    def hold(self, context):
        """Opens many tunnels and keeps them: how many were answered with 200."""
        good = 0
        for _ in range(context["count"]):
            try:
                s = socket.create_connection(_proxy(), 5)
                s.settimeout(5)
                s.sendall(f"CONNECT {context['to']} HTTP/1.1\r\n\r\n".encode())
                if s.recv(64).startswith(b"HTTP/1.1 200"):
                    good += 1
                    self.kept.append(s)
                else:
                    s.close()
            except OSError:
                pass
        return {"good": good}

    def drop(self, context):
        for s in self.kept:
            s.close()
        self.kept.clear()
        return {}

    def die(self, context):
        os._exit(3)

    def environment(self, context):
        return {k: v for k, v in os.environ.items() if "proxy" in k.lower()}

    def sockets(self, context):
        """Every unix socket that can be found by its name and takes a connection."""
        found = []
        for folder, _, names in os.walk("/"):
            if folder.startswith("/proc"):
                continue
            for name in names:
                path = os.path.join(folder, name)
                try:
                    if stat.S_ISSOCK(os.lstat(path).st_mode):
                        with socket.socket(socket.AF_UNIX) as s:
                            s.connect(path)
                        found.append(path)
                except OSError:
                    pass
        return {"found": found}
