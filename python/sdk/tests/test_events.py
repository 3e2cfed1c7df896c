"""Calls that tell how far they are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fake_server import Exchange, serving
from services.plugin_service import PluginService, PluginServiceError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def stream(*pieces: bytes) -> list[tuple[str, dict[str, Any]]]:
    async def script(x: Exchange) -> None:
        _, headers, body = await x.read_request()
        assert (headers["accept"], body) == ("text/event-stream", b'{"context":{"n":1},"timeout_seconds":2}')
        for piece in pieces:
            await x.send(piece)

    async def main() -> list[tuple[str, dict[str, Any]]]:
        async with serving(script) as server, PluginService(server.url) as service:
            return [event async for event in service.stream_plugin("plugin_1", {"n": 1}, timeout_seconds=2)]

    return asyncio.run(main())


def test_events_come_in_order_however_they_are_cut() -> None:
    assert stream(
        HEAD + b": hello\r\n\r\nevent: progress\nda",
        b'ta: {"fraction":0.5,"message":"half"}\n\nevent: partial\ndata: {"value":\ndata: [1]}\n',
        b'\nevent: result\ndata: {"success":true,"result":1,"execution_time":0.1}\n\n',
    ) == [
        ("progress", {"fraction": 0.5, "message": "half"}),
        ("partial", {"value": [1]}),
        ("result", {"success": True, "result": 1, "execution_time": 0.1}),
    ]


@pytest.mark.parametrize(
    ("pieces", "code", "status"),
    [
        (
            [HEAD, b'event: error\ndata: {"status":504,"code":"plugin_timeout","detail":"Too slow."}\n\n'],
            "plugin_timeout",
            504,
        ),
        ([HEAD, b"event: progress\ndata: {}\n\n"], "connection_lost", None),
        ([HEAD, b"event: progress\ndata: {\n\n"], "bad_answer", None),
        ([HEAD, b"event: progress\ndata: 3\n\n"], "bad_answer", None),
        ([b'HTTP/1.1 404 N\r\nContent-Length: 27\r\n\r\n{"code":"plugin_not_found"}'], "plugin_not_found", 404),
    ],
)
def test_what_goes_wrong_is_raised(pieces: list[bytes], code: str, status: int | None) -> None:
    with pytest.raises(PluginServiceError) as e:
        stream(*pieces)
    assert (e.value.code, e.value.status) == (code, status)
