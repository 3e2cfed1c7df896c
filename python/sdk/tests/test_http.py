"""The client's HTTP against servers that behave and servers that don't."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fake_server import Exchange, serving
from services.plugin_service import PluginService, PluginServiceError

OK = b'{"plugins":[],"total":0}'


def test_connections_are_used_again() -> None:
    async def script(x: Exchange) -> None:
        while True:
            await x.read_request()
            await x.answer(OK)

    async def main() -> int:
        async with serving(script) as server, PluginService(server.url) as service:
            for _ in range(5):
                await service.list_plugins()
            return server.connections

    assert asyncio.run(main()) == 1


def test_one_service_works_in_one_event_loop_after_another() -> None:
    service_of: dict[str, PluginService] = {}

    async def script(x: Exchange) -> None:
        while True:
            await x.read_request()
            await x.answer(OK)

    async def main() -> None:
        async with serving(script) as server:
            service = service_of.setdefault("it", PluginService(server.url))
            service._http.origin = PluginService(server.url)._http.origin
            await service.list_plugins()

    asyncio.run(main())
    asyncio.run(main())


def test_a_get_is_asked_again_when_an_idle_connection_breaks() -> None:
    async def script(x: Exchange) -> None:
        await x.read_request()
        await x.answer(OK)
        await x.read_request()  # and close without an answer

    async def main() -> int:
        async with serving(script) as server, PluginService(server.url) as service:
            await service.list_plugins()
            await service.list_plugins()
            return server.connections

    assert asyncio.run(main()) == 2


def test_a_post_is_not_sent_twice() -> None:
    async def script(x: Exchange) -> None:
        await x.read_request()
        await x.answer(OK)
        await x.read_request()

    async def main() -> tuple[int, str]:
        async with serving(script) as server, PluginService(server.url) as service:
            await service.list_plugins()
            with pytest.raises(PluginServiceError) as e:
                await service.execute_plugin("plugin_1", {})
            return server.connections, e.value.code

    assert asyncio.run(main()) == (1, "connection_lost")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Len", "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "connection_lost"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "bad_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}", "bad_answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "bad_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "bad_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<p>", "bad_answer"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\n<p>", "bad_answer"),
    ],
)
def test_broken_answers(raw: bytes, code: str) -> None:
    async def script(x: Exchange) -> None:
        await x.read_request()
        await x.send(raw)

    async def main() -> str:
        async with serving(script) as server, PluginService(server.url) as service:
            with pytest.raises(PluginServiceError) as e:
                await service.get_plugin_info("plugin_1")
            return e.value.code

    assert asyncio.run(main()) == code


@pytest.mark.parametrize(
    "raw",
    [
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\n{"id"\r\n5\r\n:"a"}\r\n0\r\nT: x\r\n\r\n',
        b'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"id":"a"}',
        b'HTTP/1.0 200 OK\r\n\r\n{"id":"a"}',
    ],
)
def test_every_way_to_end_a_body(raw: bytes) -> None:
    async def script(x: Exchange) -> None:
        await x.read_request()
        await x.send(raw)

    async def main() -> dict[str, Any]:
        async with serving(script) as server, PluginService(server.url) as service:
            return await service.get_plugin_info("plugin_1")

    assert asyncio.run(main()) == {"id": "a"}


def test_nobody_listens() -> None:
    async def main() -> PluginServiceError:
        async with serving(lambda x: asyncio.sleep(0)) as server:
            url = server.url
        with pytest.raises(PluginServiceError) as e:
            await PluginService(url).list_plugins()
        return e.value

    error = asyncio.run(main())
    assert error.code == "unreachable"
    assert "berth serve" in error.message


def test_cancelling_closes_the_connection() -> None:
    async def main() -> None:
        arrived = asyncio.Event()

        async def script(x: Exchange) -> None:
            await x.read_request()
            arrived.set()
            assert await x.reader.read() == b""

        async with serving(script) as server, PluginService(server.url) as service:
            call = asyncio.ensure_future(service.execute_plugin("plugin_1", {}))
            await arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.wait_for(server.ended.get(), 10)

    asyncio.run(main())


def test_a_request_may_take_so_long_and_no_longer() -> None:
    async def script(x: Exchange) -> None:
        await x.read_request()
        await x.reader.read()

    async def main() -> PluginServiceError:
        async with serving(script) as server, PluginService(server.url, timeout=0.05) as service:
            with pytest.raises(PluginServiceError) as e:
                await service.list_plugins()
            await asyncio.wait_for(server.ended.get(), 10)
            return e.value

    assert asyncio.run(main()).code == "timeout"


def test_an_upload_refused_half_way_shows_why(tmp_path: Path) -> None:
    archive = tmp_path / "big.tar.gz"
    archive.write_bytes(bytes(32 << 20))
    problem = b'{"title":"Too large","status":413,"detail":"At most 1 MiB.","code":"body_too_large"}'

    async def script(x: Exchange) -> None:
        await x.reader.readuntil(b"\r\n\r\n")
        await x.answer(problem, "413 Content Too Large", "application/problem+json")

    async def main() -> PluginServiceError:
        async with serving(script) as server, PluginService(server.url) as service:
            with pytest.raises(PluginServiceError) as e:
                await service.install_plugin(archive)
            return e.value

    error = asyncio.run(main())
    assert (error.code, error.status, error.message) == ("body_too_large", 413, "At most 1 MiB.")


def test_a_file_that_shrinks_while_it_is_sent_ends_the_upload(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(bytes(8 << 20))

    async def script(x: Exchange) -> None:
        await x.reader.readuntil(b"\r\n\r\n")
        with archive.open("r+b") as file:
            file.truncate(100)
        await x.reader.read()

    async def main() -> PluginServiceError:
        async with serving(script) as server, PluginService(server.url) as service:
            with pytest.raises(PluginServiceError) as e:
                await service.install_plugin(archive)
            await asyncio.wait_for(server.ended.get(), 10)
            return e.value

    error = asyncio.run(main())
    assert error.code == "file_unreadable"
    assert "shrank" in error.message


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "http://h:port"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(PluginServiceError) as e:
        PluginService(url)
    assert e.value.code == "bad_request"
