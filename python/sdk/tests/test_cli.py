"""``python -m plugin`` as a process, against a server of one script."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fake_server import Exchange, serving

SDK = str(Path(__file__).resolve().parents[1])
PLUGINS = {
    "plugins": [
        {
            "id": "plugin_1",
            "name": "dice",
            "version": "1.0.0",
            "status": "enabled",
            "description": "rolls\x1b[2J 骰子",
        },
        {"id": "plugin_2", "name": "twin", "version": "1.0.0", "status": "disabled", "description": ""},
        {"id": "plugin_3", "name": "twin", "version": "2.0.0", "status": "disabled", "description": ""},
    ],
    "total": 3,
}


class Run(NamedTuple):
    code: int
    out: str
    err: str
    requests: list[tuple[str, dict[str, str], bytes]]


def run(*words: str, answers: Mapping[str, Any], stdin: str = "", before: tuple[str, ...] = ()) -> Run:
    """Runs a command. ``answers``: by the request line's first two words, a body, or a status and a problem."""
    requests: list[tuple[str, dict[str, str], bytes]] = []

    async def script(x: Exchange) -> None:
        while True:
            line, headers, body = await x.read_request()
            requests.append((line, headers, body))
            answer = answers[line.rpartition(" ")[0]]
            status, content = answer if isinstance(answer, tuple) else ("200 OK", answer)
            if headers["accept"] == "text/event-stream" and status == "200 OK":
                event = b"event: result\ndata: " + json.dumps(content).encode() + b"\n\n"
                await x.answer(event, status, "text/event-stream")
            else:
                await x.answer(json.dumps(content).encode(), status)

    async def main() -> Run:
        async with serving(script) as server:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "plugin", *before, *words),
                env={**os.environ, "PYTHONPATH": SDK, "BERTH_URL": server.url, "BERTH_API_KEY": "k3y"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
            assert process.returncode is not None
            return Run(process.returncode, out.decode(), err.decode(), requests)

    return asyncio.run(main())


def test_install_sends_the_file_and_the_settings(tmp_path: Path) -> None:
    archive = tmp_path / 'my "plugin"-1.0.0.tar.gz'
    archive.write_bytes(b"\x1f\x8b archive \r\n--")
    answer = {"plugin_id": "plugin_1", "name": "dice", "version": "1.0.0", "status": "installed"}
    ran = run(
        *("install", str(archive), "--set", "a=1", "--set", "b:=[1]"),
        answers={"POST /api/plugins/install": answer},
    )
    assert (ran.code, ran.out, ran.err) == (0, "plugin_1  dice 1.0.0 is installed.\n", "")
    _, headers, body = ran.requests[0]
    assert headers["authorization"] == "Bearer k3y"
    boundary = headers["content-type"].partition("boundary=")[2].encode()
    parts = body.split(b"--" + boundary)
    assert (parts[0], parts[3]) == (b"", b"--\r\n")
    assert parts[1].partition(b"\r\n\r\n")[2] == b'{"a":"1","b":[1]}\r\n'
    assert b'name="file"; filename="my %22plugin%22-1.0.0.tar.gz"' in parts[2]
    assert parts[2].partition(b"\r\n\r\n")[2] == b"\x1f\x8b archive \r\n--\r\n"


def test_install_from_a_url_leaves_the_fetching_to_the_server() -> None:
    answer = {"plugin_id": "plugin_1", "name": "dice", "version": "1.0.0", "status": "installed"}
    ran = run("install", "https://example.com/d.tgz", answers={"POST /api/plugins/install": answer})
    assert ran.code == 0
    assert json.loads(ran.requests[0][2]) == {"plugin_url": "https://example.com/d.tgz"}


def test_a_plugin_is_found_by_its_name() -> None:
    answer = {"success": True, "result": {"total": 7}, "execution_time": 0.001}
    answers = {"GET /api/plugins?status=all": PLUGINS, "POST /api/plugins/plugin_1/execute": answer}
    ran = run("execute", "dice", "message=/roll 2d6", "n:=2", "user=-", answers=answers)
    assert (ran.code, json.loads(ran.out)) == (0, {"total": 7})
    assert json.loads(ran.requests[1][2]) == {"context": {"message": "/roll 2d6", "n": 2, "user": "-"}}


def test_a_result_without_success_is_exit_code_1() -> None:
    answer = {"success": False, "result": {"success": False, "error": "no"}, "execution_time": 0.001}
    ran = run(
        "execute", "plugin_1", "--context", "-", answers={"POST /api/plugins/plugin_1/execute": answer}, stdin="{}"
    )
    assert ran.code == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("info", "twin"), 2, "Several plugins are named 'twin'. Use an id: plugin_2, plugin_3."),
        (("info", "nobody"), 3, "There is no plugin 'nobody'."),
        (("execute", "plugin_1", "oops"), 2, "'oops' is not key=text or key:=json."),
        (("execute", "plugin_1", "n:=oops"), 2, "n:= wants JSON"),
        (("execute", "plugin_1", "n=1", "n=2"), 2, "'n' is given twice."),
        (("execute", "plugin_1", "a=b", "--context", "{}"), 2, "not by both"),
        (("execute", "plugin_1", "--context", "[]"), 2, "The context must be a JSON object"),
        (("execute", "plugin_1", "@/nowhere"), 3, "Can't read /nowhere: No such file or directory."),
        (("install", "/nowhere.tar.gz"), 3, "Can't read /nowhere.tar.gz: No such file or directory."),
        (("list", "--server", "http://127.0.0.1:1"), 5, "No server answers at 127.0.0.1:1"),
        (("frobnicate",), 2, "invalid choice"),
        ((), 2, "required"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], code: int, said: str) -> None:
    ran = run(*words, answers={"GET /api/plugins?status=all": PLUGINS})
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("401 U", 7),
        ("403 F", 7),
        ("404 N", 3),
        ("409 C", 4),
        ("422 U", 4),
        ("504 G", 6),
        ("502 B", 1),
        ("500 I", 1),
    ],
)
def test_exit_codes_follow_the_status(status: str, code: int) -> None:
    problem = {"status": int(status[:3]), "code": "some_code", "detail": "Why."}
    ran = run("enable", "plugin_1", answers={"POST /api/plugins/plugin_1/enable": (status, problem)})
    assert (ran.code, ran.out, ran.err) == (code, "", "plugin: Why. [some_code]\n")


def test_json_is_the_server_s_own() -> None:
    answers = {"GET /api/plugins?status=enabled": PLUGINS}
    ran = run("list", "--status", "enabled", answers=answers, before=("--json",))
    assert (ran.code, json.loads(ran.out)) == (0, PLUGINS)


def test_the_table_shows_no_control_characters() -> None:
    ran = run("list", answers={"GET /api/plugins?status=all": PLUGINS})
    assert ran.out.splitlines()[:2] == [
        "ID        NAME  VERSION  STATUS    DESCRIPTION",
        "plugin_1  dice  1.0.0    enabled   rolls\\x1b[2J 骰子",
    ]


ERROR = {
    "fingerprint": "0a1b2c3d4e5f",
    "kind": "plugin_error",
    "type": "ValueError",
    "message": "no\x1b[2J\ndice",
    "where": "main.py:3",
    "traceback": "Traceback (most recent call last):\n  \x1b[0m\nValueError: no dice",
    "count": 12,
    "first_at": "2026-01-02T03:04:05Z",
    "last_at": "2026-01-02T03:05:05Z",
    "version": "1.0.0",
}


def test_errors_as_a_table_whole_and_forgotten() -> None:
    answers: dict[str, Any] = {
        "GET /api/plugins/plugin_1/errors": {"plugin_id": "plugin_1", "errors": [ERROR], "total": 1},
        "DELETE /api/plugins/plugin_1/errors": {"plugin_id": "plugin_1", "status": "cleared"},
    }
    assert run("errors", "plugin_1", answers=answers).out.splitlines() == [
        "FINGERPRINT   COUNT  LAST SEEN             WHERE      ERROR",
        "0a1b2c3d4e5f  12     2026-01-02T03:05:05Z  main.py:3  ValueError: no\\x1b[2J dice",
    ]
    whole = run("errors", "plugin_1", "--traceback", answers=answers).out
    assert whole.endswith("\n\nTraceback (most recent call last):\n  \\x1b[0m\nValueError: no dice\n")
    assert json.loads(run("errors", "plugin_1", "--json", answers=answers).out)["errors"] == [ERROR]
    ran = run("errors", "plugin_1", "--clear", answers=answers)
    assert (ran.out, ran.requests[-1][0]) == (
        "The errors of plugin_1 are forgotten.\n",
        "DELETE /api/plugins/plugin_1/errors HTTP/1.1",
    )


def test_config_sets_and_unsets() -> None:
    answers: dict[str, Any] = {"PUT /api/plugins/plugin_1/config": {"values": {}}}
    ran = run("config", "plugin_1", "token=-", "times:=3", "--unset", "greeting", answers=answers, stdin="s3cret\n")
    assert ran.code == 0
    assert json.loads(ran.requests[0][2]) == {"token": "s3cret", "times": 3, "greeting": None}


def test_a_log_that_goes_on() -> None:
    async def script(x: Exchange) -> None:
        _, headers, _ = await x.read_request()
        assert headers["accept"] == "text/event-stream"
        records = [{"time": "t", "level": "INFO", "source": "stdout", "message": m} for m in ("one", "two\nmore")]
        events = b"".join(b"id: 1\nevent: log\ndata: " + json.dumps(r).encode() + b"\n\n" for r in records)
        await x.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n" + events)

    async def main() -> str:
        async with serving(script) as server:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "plugin", "--server", server.url, "logs", "-f", "plugin_1"),
                env={**os.environ, "PYTHONPATH": SDK},
                stdout=subprocess.PIPE,
            )
            out, _ = await asyncio.wait_for(process.communicate(), 60)
            return out.decode()

    assert asyncio.run(main()) == "t  INFO      stdout  one\nt  INFO      stdout  two\n    more\n"
