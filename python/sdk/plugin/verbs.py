"""What each verb does. A verb prints what was asked for and returns the exit code."""

from __future__ import annotations

import json
import re
import sys
from argparse import Namespace
from typing import Any

from services.plugin_service import PluginService, PluginServiceError

from . import exit_codes, output, values

_ID = re.compile(r"plugin_[0-9a-z]{1,32}")


async def install(service: PluginService, options: Namespace) -> int:
    config = values.assignments(options.set, ask=True) or None
    path, url = _source(options.archive)
    answer = await service.install(path, url, config=config)
    _show(options, answer, f"{answer['plugin_id']}  {answer.get('name')} {answer.get('version')} is installed.")
    return exit_codes.OK


async def enable(service: PluginService, options: Namespace) -> int:
    answer = await service.enable_plugin(await _id(service, options.plugin))
    _show(options, answer, f"{options.plugin} is enabled.")
    return exit_codes.OK


async def disable(service: PluginService, options: Namespace) -> int:
    answer = await service.disable_plugin(await _id(service, options.plugin))
    _show(options, answer, f"{options.plugin} is disabled.")
    return exit_codes.OK


async def execute(service: PluginService, options: Namespace) -> int:
    context = values.context(options.words, options.context)
    plugin_id = await _id(service, options.plugin)
    answer: dict[str, Any] = {}
    if sys.stderr.isatty() and not options.json:
        async for event, value in service.stream_plugin(plugin_id, context):
            if event == "result":
                answer = value
            else:
                print(output.event_line(event, value), file=sys.stderr, flush=True)
    else:
        answer = await service.execute_plugin(plugin_id, context)
    result = answer.get("result")
    _show(options, answer, output.lines(result) if isinstance(result, str) else output.as_json(result))
    return exit_codes.OK if answer.get("success") else exit_codes.FAILED


async def listing(service: PluginService, options: Namespace) -> int:
    plugins = await service.list_plugins(options.status)
    columns = ("id", "name", "version", "status", "description")
    text = output.table(([p.get(c) for c in columns] for p in plugins), [c.upper() for c in columns])
    _show(options, {"plugins": plugins, "total": len(plugins)}, text if plugins else "No plugins.")
    return exit_codes.OK


async def info(service: PluginService, options: Namespace) -> int:
    return _pairs(options, await service.get_plugin_info(await _id(service, options.plugin)))


async def stats(service: PluginService, options: Namespace) -> int:
    return _pairs(options, await service.get_plugin_stats(await _id(service, options.plugin)))


async def health(service: PluginService, options: Namespace) -> int:
    answer = await service.get_plugin_health(await _id(service, options.plugin))
    _pairs(options, answer)
    return exit_codes.OK if answer.get("status") == "healthy" else exit_codes.FAILED


async def config(service: PluginService, options: Namespace) -> int:
    plugin_id = await _id(service, options.plugin)
    changes = {**values.assignments(options.words, ask=True), **dict.fromkeys(options.unset)}
    if changes:
        return _pairs(options, await service.configure_plugin(plugin_id, changes))
    return _pairs(options, await service.get_plugin_config(plugin_id))


async def logs(service: PluginService, options: Namespace) -> int:
    plugin_id = await _id(service, options.plugin)
    if options.follow:
        async for record in service.follow_plugin_logs(plugin_id, limit=options.lines):
            _log(options, record)
    else:
        for record in await service.get_plugin_logs(plugin_id, limit=options.lines):
            _log(options, record)
    return exit_codes.OK


async def errors(service: PluginService, options: Namespace) -> int:
    plugin_id = await _id(service, options.plugin)
    if options.clear:
        await service.clear_plugin_errors(plugin_id)
        _show(
            options, {"plugin_id": plugin_id, "status": "cleared"}, f"The errors of {options.plugin} are forgotten."
        )
        return exit_codes.OK
    found = await service.get_plugin_errors(plugin_id)
    if options.traceback:
        text = "\n\n".join(output.error(error) for error in found)
    else:
        headings = ("FINGERPRINT", "COUNT", "LAST SEEN", "WHERE", "ERROR")
        text = output.table(
            (
                [e.get("fingerprint"), e.get("count"), e.get("last_at"), e.get("where") or "-", output.title(e)]
                for e in found
            ),
            headings,
        )
    answer = {"plugin_id": plugin_id, "errors": found, "total": len(found)}
    _show(options, answer, text if found else "No errors.")
    return exit_codes.OK


async def update(service: PluginService, options: Namespace) -> int:
    path, url = _source(options.archive)
    answer = await service.update_plugin(await _id(service, options.plugin), path, url)
    _show(options, answer, f"{options.plugin} is now version {answer.get('version')}.")
    return exit_codes.OK


async def uninstall(service: PluginService, options: Namespace) -> int:
    plugin_id = await _id(service, options.plugin)
    await service.uninstall_plugin(plugin_id)
    _show(options, {"plugin_id": plugin_id, "status": "uninstalled"}, f"{options.plugin} is uninstalled.")
    return exit_codes.OK


async def _id(service: PluginService, text: str) -> str:
    """The id of the plugin that ``text`` names. Asks the server where it is not an id itself."""
    if _ID.fullmatch(text):
        return text
    found = [str(p["id"]) for p in await service.list_plugins() if p.get("name") == text]
    if len(found) == 1:
        return found[0]
    if found:
        message = f"Several plugins are named '{text}'. Use an id: {', '.join(found)}."
        raise PluginServiceError("bad_request", message)
    raise PluginServiceError(
        "plugin_not_found", f"There is no plugin '{text}'. `python -m plugin list` shows them."
    )


def _source(archive: str) -> tuple[str | None, str | None]:
    """The archive as a path or as a URL."""
    return (None, archive) if archive.startswith(("http://", "https://")) else (archive, None)


def _show(options: Namespace, answer: Any, text: str) -> None:
    print(output.as_json(answer) if options.json else text)


def _pairs(options: Namespace, answer: dict[str, Any]) -> int:
    _show(options, answer, output.pairs(answer))
    return exit_codes.OK


def _log(options: Namespace, record: dict[str, Any]) -> None:
    # One object a line, so that a program can read a log that goes on.
    print(json.dumps(record, ensure_ascii=False) if options.json else output.log_line(record), flush=True)
