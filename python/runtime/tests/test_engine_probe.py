"""The probe of a Docker engine, against a small server on a unix socket that answers as engines do."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
from berth_runtime import engine_probe

Serve = Callable[[Dict[str, Any]], str]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts an engine with these answers, path -> JSON; gives its socket."""
    servers: List[socketserver.BaseServer] = []

    def start(answers: Dict[str, Any]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(answers[self.path]).encode() if self.path in answers else b"no"
                self.send_response(200 if self.path in answers else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def address_string(self) -> str:
                return "engine"

            def log_message(self, format: str, *args: Any) -> None:
                pass

        path = str(tmp_path / "engine.sock")
        server = socketserver.ThreadingUnixStreamServer(path, Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return path

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_what_an_engine_lacks_is_missing_with_a_remedy(serve: Serve) -> None:
    info = {"MemoryLimit": True, "PidsLimit": True, "SecurityOptions": ["name=userns"], "Runtimes": {"runsc": {}}}
    level, findings = engine_probe.probe(
        serve({"/version": {"Version": "27.0", "ApiVersion": "1.46"}, "/info": info})
    )
    assert level["available"]
    assert {"memory_limit", "process_limit", "user_namespace"} <= set(level["enforced"])
    missing = {name: remedy for name, _, remedy in level["missing"]}
    assert set(missing) - {"landlock"} == {"seccomp", "swap_limit", "cpu_limit"}
    assert all(missing.values())
    assert [(f.name, f.ok) for f in findings] == [("docker_engine", True), ("gvisor", True)]
    assert findings[0].what.startswith("Docker 27.0, API 1.46,")


def test_no_engine_and_one_that_answers_with_an_error(serve: Serve, tmp_path: Path) -> None:
    level, findings = engine_probe.probe(str(tmp_path / "none.sock"))
    assert not level["available"]
    assert level["why"].endswith("none.sock: No such file or directory")
    assert not findings[0].ok
    assert "DOCKER_HOST" in findings[0].remedy

    level, _ = engine_probe.probe(serve({"/version": {}}))
    assert not level["available"]
    assert level["why"].endswith(": /info answered 404")
