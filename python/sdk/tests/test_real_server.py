"""The client and the command line against a real server, sandboxes and all."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from real_server import FIXTURES, ROOT, packed, running
from services.plugin_service import PluginService, PluginServiceError

SDK = ROOT / "python" / "sdk"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("berth")) as address:
        yield address


def test_the_specification_s_own_test_runs_as_printed(url: str, tmp_path: Path) -> None:
    packed(FIXTURES / "test-plugin", tmp_path)
    printed = ROOT / "dist" / "src" / "test" / "resources" / "spec-sample" / "test_integration.py"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(printed)],
        cwd=tmp_path,
        env={**os.environ, "BERTH_URL": url, "PYTHONPATH": str(SDK)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, "1 passed" in ran.stdout) == (0, True), ran.stdout + ran.stderr


def test_every_call_of_the_client(url: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with PluginService(url) as service:
            archive = packed(FIXTURES / "configured", tmp_path)
            plugin_id = await service.install_plugin(
                plugin_path=archive, config={"token": "s3cret", "tone": "curt"}
            )
            assert [p["id"] for p in await service.list_plugins(status="disabled")] == [plugin_id]
            await service.enable_plugin(plugin_id)
            assert [p["id"] for p in await service.list_plugins(status="enabled")] == [plugin_id]
            answer = await service.execute_plugin(plugin_id=plugin_id, context={"message": "hi"})
            # The schema's defaults, under config.yaml, under what the operator said.
            config = {"token": 6, "greeting": "good day", "tone": "curt", "times": 2, "loud": False}
            assert (answer["success"], answer["result"]) == (True, {"config": config})
            assert isinstance(answer["execution_time"], float)
            shown = await service.configure_plugin(plugin_id, {"times": 3, "tone": None})
            assert (shown["values"]["times"], shown["values"]["tone"]) == (3, "kind")
            assert "s3cret" not in json.dumps(await service.get_plugin_config(plugin_id))
            again = (await service.execute_plugin(plugin_id, {}))["result"]["config"]
            assert (again["times"], again["tone"]) == (3, "kind")
            info = await service.get_plugin_info(plugin_id)
            assert (info["status"], info["version"], info["isolation"]["kind"]) == ("enabled", "1.0.0", "process")
            assert (await service.get_plugin_health(plugin_id))["status"] == "healthy"
            assert (await service.get_plugin_stats(plugin_id))["calls"] >= 1
            await service.disable_plugin(plugin_id)
            with pytest.raises(PluginServiceError) as e:
                await service.execute_plugin(plugin_id, {})
            assert (e.value.code, e.value.status) == ("plugin_not_enabled", 409)
            await service.uninstall_plugin(plugin_id)
            with pytest.raises(PluginServiceError) as e:
                await service.get_plugin_info(plugin_id)
            assert (e.value.code, e.value.status) == ("plugin_not_found", 404)

    asyncio.run(main())


def test_an_update_replaces_the_version_and_falls_back(url: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with PluginService(url) as service:
            plugin_id = await service.install_plugin(packed(FIXTURES / "versioned-1.0.0", tmp_path))
            await service.enable_plugin(plugin_id)
            await service.update_plugin(plugin_id, packed(FIXTURES / "versioned-1.1.0", tmp_path))
            assert (await service.execute_plugin(plugin_id))["result"] == {"version": "1.1.0"}
            with pytest.raises(PluginServiceError, match="initialize returned False"):
                await service.update_plugin(plugin_id, packed(FIXTURES / "versioned-2.0.0-broken", tmp_path))
            assert (await service.execute_plugin(plugin_id))["result"] == {"version": "1.1.0"}
            await service.uninstall_plugin(plugin_id)

    asyncio.run(main())


def test_long_work_tells_how_far_it_is(url: str, tmp_path: Path) -> None:
    async def main() -> list[tuple[str, Any]]:
        async with PluginService(url) as service:
            plugin_id = await service.install_plugin(packed(ROOT / "examples" / "digest", tmp_path))
            await service.enable_plugin(plugin_id)
            talk = [{"user": f"user{i % 7}", "text": f"number {i} of the engine?"} for i in range(2000)]
            events = [event async for event in service.stream_plugin(plugin_id, {"messages": talk})]
            await service.uninstall_plugin(plugin_id)
            return events

    events = asyncio.run(main())
    names = [name for name, _ in events]
    assert names[-1] == "result"
    assert names.count("partial") == 2
    assert ("progress", {"fraction": 1.0, "message": "done"}) in events
    assert events[-1][1]["result"]["digest"]["activity"]["messages"] == 2000


def test_a_cancelled_call_is_cancelled_in_the_plugin(url: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with PluginService(url) as service:
            plugin_id = await service.install_plugin(packed(FIXTURES / "misbehave", tmp_path))
            await service.enable_plugin(plugin_id)
            call = asyncio.ensure_future(service.execute_plugin(plugin_id, {"do": "sleep", "seconds": 4}))
            while (await service.get_plugin_stats(plugin_id))["in_flight"] == 0:
                assert not call.done()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            # Its own four seconds are not waited for: the caller is gone, so the call is.
            while (await service.get_plugin_stats(plugin_id))["in_flight"]:
                await asyncio.sleep(0.01)
            pid = (await service.execute_plugin(plugin_id, {"do": "pid"}))["result"]["pid"]
            with pytest.raises(PluginServiceError) as e:
                await service.execute_plugin(plugin_id, {"do": "raises"})
            assert (e.value.code, e.value.status) == ("plugin_error", 502)
            assert "no dice" in e.value.message
            (error,) = await service.get_plugin_errors(plugin_id)
            assert (error["type"], error["message"], error["count"]) == ("ValueError", "no dice", 1)
            await service.clear_plugin_errors(plugin_id)
            assert await service.get_plugin_errors(plugin_id) == []
            assert (await service.execute_plugin(plugin_id, {"do": "pid"}))["result"]["pid"] == pid
            await service.uninstall_plugin(plugin_id)

    asyncio.run(main())


def test_the_log_is_followed_as_it_grows(url: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with PluginService(url) as service:
            plugin_id = await service.install_plugin(packed(FIXTURES / "misbehave", tmp_path))
            await service.enable_plugin(plugin_id)

            async def until(text: str) -> dict[str, Any]:
                async for record in service.follow_plugin_logs(plugin_id):
                    if text in record["message"]:
                        return record
                raise AssertionError("the log ended")

            seen = asyncio.ensure_future(until("line 2"))
            await service.execute_plugin(plugin_id, {"do": "prints"})
            record = await asyncio.wait_for(seen, 30)
            assert (record["source"], record["level"], record["message"]) == ("stdout", "INFO", "line 2 ")
            assert any(r["message"] == "line 0 " for r in await service.get_plugin_logs(plugin_id))
            await service.uninstall_plugin(plugin_id)

    asyncio.run(main())


def test_the_command_line_from_install_to_uninstall(url: str, tmp_path: Path) -> None:
    def plugin(*words: str, code: int = 0) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "plugin", *words],
            env={**os.environ, "BERTH_URL": url, "PYTHONPATH": str(SDK)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout if code == 0 else ran.stderr

    plugin("install", str(packed(ROOT / "examples" / "dice", tmp_path)), "--set", "max_dice:=5")
    assert "[plugin_not_enabled]" in plugin("execute", "dice", "message=/roll 3", code=4)
    plugin("enable", "dice")
    assert json.loads(plugin("execute", "dice", "message=/roll 3"))["totals"] == [3]
    plugin("execute", "dice", "message=6d6", code=1)
    plugin("config", "dice", "max_dice:=6")
    plugin("execute", "dice", "message=6d6")
    assert json.loads(plugin("--json", "list"))["total"] == 1
    assert "enabled" in plugin("list")
    assert json.loads(plugin("info", "dice", "--json"))["commands"][0]["name"] == "/roll"
    plugin("health", "dice")
    plugin("stats", "dice")
    plugin("logs", "dice", "-n", "5")
    assert plugin("errors", "dice") == "No errors.\n"
    assert "[config_invalid]" in plugin("config", "dice", "max_dice:=0", code=4)
    plugin("disable", "dice")
    plugin("health", "dice", code=1)
    plugin("uninstall", "dice")
    plugin("info", "dice", code=3)
