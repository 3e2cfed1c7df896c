"""The plugin service of a chat system, from Python.

    from services.plugin_service import PluginService

    service = PluginService()                       # BERTH_URL, else http://localhost:8000
    plugin_id = await service.install_plugin("dice-1.0.0.tar.gz")
    await service.enable_plugin(plugin_id)
    answer = await service.execute_plugin(plugin_id, {"message": "/roll 2d6"})
    answer["success"], answer["result"], answer["execution_time"]

It is a client of Berth's REST API; the plugins run there, each in a sandbox of its own. Every method
raises PluginServiceError and nothing else. Cancelling a call cancels it in the plugin too.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Mapping
from pathlib import Path
from typing import Any, TypeVar, Union
from urllib.parse import quote, urlencode

from ._http import Answer, AnswerError, HttpClient, Request
from ._upload import upload
from .errors import PluginServiceError

__all__ = ["PluginService", "PluginServiceError"]

DEFAULT_URL = "http://localhost:8000"
# Longer than the longest call a host allows unless its operator says otherwise (600 s).
DEFAULT_TIMEOUT_SECONDS = 660.0

_T = TypeVar("_T")
_Path = Union[str, "os.PathLike[str]"]


class PluginService:
    """A Berth server's plugins.

    url: the server's address; else BERTH_URL, else http://localhost:8000.
    api_key: sent as a bearer token; else BERTH_API_KEY, else none.
    timeout: seconds a request may take, None for no limit.

    Connections are kept open between calls, in the event loop that made them. ``async with`` or
    ``await service.close()`` closes them; leaving that out does no harm.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float | None = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        try:
            self._http = HttpClient(url or os.environ.get("BERTH_URL") or DEFAULT_URL)
        except ValueError as e:
            raise PluginServiceError("bad_request", str(e)) from e
        self._api_key = api_key or os.environ.get("BERTH_API_KEY")
        self._timeout = timeout

    async def __aenter__(self) -> PluginService:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the idle connections. The service may be used again after it."""
        self._http.close()

    async def install_plugin(
        self,
        plugin_path: _Path | None = None,
        plugin_url: str | None = None,
        *,
        config: Mapping[str, Any] | None = None,
    ) -> str:
        """Installs an archive (.tar.gz, .tgz or .zip) from a file here, or from a URL the server fetches.

        config: settings to start with. Returns the plugin's id. The plugin is then ``installed``, not enabled.
        """
        return str((await self.install(plugin_path, plugin_url, config=config))["plugin_id"])

    async def install(
        self,
        plugin_path: _Path | None = None,
        plugin_url: str | None = None,
        *,
        config: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Like install_plugin, but returns ``{"plugin_id", "name", "version", "status"}``."""
        return await self._send_archive("/api/plugins/install", plugin_path, plugin_url, config)

    async def enable_plugin(self, plugin_id: str) -> dict[str, Any]:
        """Starts a plugin and keeps it running. Returns ``{"plugin_id", "status", "message"}`` when it answers."""
        return await self._json("POST", _plugin(plugin_id, "/enable"))

    async def disable_plugin(self, plugin_id: str) -> dict[str, Any]:
        """Stops a plugin; no process of it is left. Returns like enable_plugin."""
        return await self._json("POST", _plugin(plugin_id, "/disable"))

    async def execute_plugin(
        self, plugin_id: str, context: Mapping[str, Any] | None = None, *, timeout_seconds: float | None = None
    ) -> dict[str, Any]:
        """Calls a plugin's ``execute(context)``, waiting ``timeout_seconds`` at most, else the plugin's own limit.

        Returns ``{"success": bool, "result": ..., "execution_time": seconds}``: ``result`` is what
        the plugin returned, whole; ``success`` is the result's own ``success`` where it has one,
        else True. A plugin that raises, crashes or takes too long is a PluginServiceError
        (``plugin_error``, ``plugin_crashed``, ``plugin_timeout``), not an answer.
        """
        return await self._json("POST", _plugin(plugin_id, "/execute"), _call(context, timeout_seconds))

    async def stream_plugin(
        self, plugin_id: str, context: Mapping[str, Any] | None = None, *, timeout_seconds: float | None = None
    ) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Calls a plugin and gives what it tells while it works, then its answer.

        Gives ``("progress", {"fraction": 0 to 1 or None, "message": ...})`` and ``("partial", {"value": ...})``
        as they come, and last ``("result", what execute_plugin returns)``. Raises like execute_plugin.
        """
        data = _encoded(_call(context, timeout_seconds))
        headers = {**self._headers("text/event-stream"), "Content-Type": "application/json"}
        target = _plugin(plugin_id, "/execute")
        async for name, value in self._events(Request("POST", target, headers, head=data, length=len(data))):
            if name == "error":
                raise _problem(value, None)
            yield name, value
            if name == "result":
                return
        raise PluginServiceError("connection_lost", "The server ended the stream before the answer.")

    async def list_plugins(self, status: str = "all") -> list[dict[str, Any]]:
        """The plugins by name, each with ``id name version status author description``.

        status: ``all``, ``enabled``, ``disabled`` (installed and not running) or ``failed``.
        """
        answer = await self._json("GET", "/api/plugins?" + urlencode({"status": status}))
        return list(answer["plugins"])

    async def get_plugin_info(self, plugin_id: str) -> dict[str, Any]:
        """One plugin: what the list shows, and its manifest, permissions, isolation and state."""
        return await self._json("GET", _plugin(plugin_id))

    async def update_plugin(
        self,
        plugin_id: str,
        plugin_path: _Path | None = None,
        plugin_url: str | None = None,
    ) -> dict[str, Any]:
        """Replaces a plugin by another version of it. When that doesn't come up, the old one runs on."""
        return await self._send_archive(_plugin(plugin_id, "/update"), plugin_path, plugin_url, None)

    async def uninstall_plugin(self, plugin_id: str) -> None:
        """Stops a plugin and forgets it, with its settings, data and log."""
        await self._json("DELETE", _plugin(plugin_id))

    async def get_plugin_config(self, plugin_id: str) -> dict[str, Any]:
        """The settings it takes and those in force. A secret shows whether it is set, never its value."""
        return await self._json("GET", _plugin(plugin_id, "/config"))

    async def configure_plugin(self, plugin_id: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """Changes settings and restarts the plugin where it runs.

        A key set to None goes back to its default; keys left out stay. Returns like get_plugin_config.
        """
        return await self._json("PUT", _plugin(plugin_id, "/config"), dict(config))

    async def get_plugin_health(self, plugin_id: str) -> dict[str, Any]:
        """``status`` is ``healthy``, ``unhealthy``, ``starting`` or ``stopped``; ``report`` is the plugin's own."""
        return await self._json("GET", _plugin(plugin_id, "/health"))

    async def get_plugin_stats(self, plugin_id: str) -> dict[str, Any]:
        """What it used and did: CPU, memory, calls, errors, latencies."""
        return await self._json("GET", _plugin(plugin_id, "/stats"))

    async def get_plugin_errors(self, plugin_id: str) -> list[dict[str, Any]]:
        """What went wrong in it, the newest first, the same things counted together.

        Each has ``fingerprint kind type message where traceback count first_at last_at version``.
        """
        answer = await self._json("GET", _plugin(plugin_id, "/errors"))
        return list(answer["errors"])

    async def clear_plugin_errors(self, plugin_id: str) -> None:
        """Forgets what went wrong in it."""
        await self._json("DELETE", _plugin(plugin_id, "/errors"))

    async def get_plugin_logs(self, plugin_id: str, *, limit: int = 200, after: int = 0) -> list[dict[str, Any]]:
        """The newest log records above the sequence ``after``, oldest first."""
        query = urlencode({"limit": limit, "after": after})
        answer = await self._json("GET", _plugin(plugin_id, "/logs?" + query))
        return list(answer["records"])

    async def follow_plugin_logs(self, plugin_id: str, *, limit: int = 100) -> AsyncIterator[dict[str, Any]]:
        """The newest ``limit`` records, then each as it comes, until the caller stops or the plugin is gone."""
        target = _plugin(plugin_id, "/logs?" + urlencode({"limit": limit}))
        request = Request("GET", target, self._headers("text/event-stream"))
        async for name, record in self._events(request):
            if name == "log":
                yield record

    async def _events(self, request: Request) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Server-sent events whose data is a JSON object (HTML standard, 9.2.6), by name."""
        name, data = "message", []
        try:
            async for line in self._http.stream(request):
                field, _, value = line.decode("utf-8").partition(":")
                if field == "event":
                    name = value.strip()
                elif field == "data":
                    data.append(value.strip())
                elif not line:
                    if data:
                        yield name, _object(json.loads("\n".join(data)))
                    name, data = "message", []
        except AnswerError as e:
            raise _error(e.answer) from None
        except ValueError as e:
            raise PluginServiceError("bad_answer", f"The server sent an event that is not JSON: {e}.") from e

    async def _send_archive(
        self,
        target: str,
        path: _Path | None,
        url: str | None,
        config: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        if (path is None) == (url is None):
            raise PluginServiceError("bad_request", "Give either plugin_path or plugin_url.")
        if path is None:
            body: dict[str, Any] = {"plugin_url": url}
            if config is not None:
                body["config"] = dict(config)
            return await self._json("POST", target, body)
        request = upload(target, self._headers(), Path(path), config)
        return _object(_checked(await self._limited(self._http.request(request))))

    async def _json(self, method: str, target: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        headers = self._headers()
        data = b""
        if body is not None:
            data = _encoded(body)
            headers["Content-Type"] = "application/json"
        request = Request(method, target, headers, head=data, length=len(data))
        return _object(_checked(await self._limited(self._http.request(request))))

    async def _limited(self, answer: Awaitable[_T]) -> _T:
        try:
            return await asyncio.wait_for(answer, self._timeout)
        except asyncio.TimeoutError as e:
            raise PluginServiceError(
                "timeout",
                f"No answer within {self._timeout:g} s, so the request was given up. "
                "PluginService(timeout=...) sets how long it may take.",
            ) from e

    def _headers(self, accept: str = "application/json") -> dict[str, str]:
        headers = {"Accept": accept}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        return headers


def _plugin(plugin_id: str, rest: str = "") -> str:
    return f"/api/plugins/{quote(plugin_id, safe='')}{rest}"


def _call(context: Mapping[str, Any] | None, timeout_seconds: float | None) -> dict[str, Any]:
    call: dict[str, Any] = {"context": dict(context or {})}
    if timeout_seconds is not None:
        call["timeout_seconds"] = timeout_seconds
    return call


def _encoded(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as e:
        raise PluginServiceError("invalid_json", f"This can't be sent as JSON: {e}.") from e


def _checked(answer: Answer) -> Any:
    if answer.status >= 400:
        raise _error(answer)
    if not answer.body:
        return {}
    try:
        return json.loads(answer.body)
    except ValueError as e:
        raise PluginServiceError("bad_answer", f"The server's answer is not JSON: {e}.", answer.status) from e


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PluginServiceError("bad_answer", "The server's answer is not a JSON object.")
    return value


def _error(answer: Answer) -> PluginServiceError:
    try:
        problem = json.loads(answer.body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        text = answer.body[:200].decode("utf-8", "replace").strip()
        return PluginServiceError("bad_answer", f"HTTP {answer.status}: {text}", answer.status)
    return _problem(problem, answer.status)


def _problem(problem: Mapping[str, Any], status: int | None) -> PluginServiceError:
    """The failure that a problem document (RFC 9457) tells of."""
    said = problem.get("status")
    status = said if isinstance(said, int) else status
    message = problem.get("detail") or problem.get("title") or f"HTTP {status}"
    return PluginServiceError(str(problem.get("code", "unknown")), str(message), status, problem)
