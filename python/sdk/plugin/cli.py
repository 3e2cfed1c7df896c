"""The command line of ``python -m plugin``."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence

from services.plugin_service import DEFAULT_TIMEOUT_SECONDS, PluginService, PluginServiceError

from . import exit_codes, output, verbs

Verb = Callable[[PluginService, argparse.Namespace], Awaitable[int]]

ARCHIVE = ".tar.gz, .tgz or .zip; a file or an http(s) URL"
WORDS = "key=text or key:=json"


def main(argv: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    options = _parser().parse_args(argv)
    try:
        return asyncio.run(_run(options))
    except PluginServiceError as e:
        if options.json:
            print(output.as_json(e.details or {"code": e.code, "detail": e.message}), file=sys.stderr)
        else:
            print(f"plugin: {output.printable(e.message)} [{output.printable(e.code)}]", file=sys.stderr)
        return exit_codes.of(e)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output, e.g. head, has enough. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OK


async def _run(options: argparse.Namespace) -> int:
    verb: Verb = options.verb
    async with PluginService(options.server, timeout=options.timeout) as service:
        return await verb(service, options)


def _common(default: object) -> argparse.ArgumentParser:
    """The options that may stand before the verb or after it."""
    common = argparse.ArgumentParser(add_help=False, argument_default=default)
    common.add_argument("--server", metavar="URL", help="else BERTH_URL, else http://localhost:8000")
    common.add_argument("--json", action="store_true", default=default, help="print JSON, for programs")
    common.add_argument("--timeout", type=float, metavar="SECONDS", help="how long to wait at most")
    return common


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m plugin",
        description="A Berth server's plugins. BERTH_API_KEY is the key, where the server wants one.",
        epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 5 unreachable, 6 timeout, "
        "7 not allowed, 130 Ctrl-C.",
        parents=[_common(None)],
    )
    parser.set_defaults(timeout=DEFAULT_TIMEOUT_SECONDS)
    commands = parser.add_subparsers(required=True, metavar="VERB")

    def add(name: str, verb: Verb, what: str, of_plugin: bool = True) -> argparse.ArgumentParser:
        # SUPPRESS: an option that stands before the verb and not after it keeps its value.
        common = _common(argparse.SUPPRESS)
        command = commands.add_parser(name, help=what, description=what, parents=[common])
        command.set_defaults(verb=verb)
        if of_plugin:
            command.add_argument("plugin", metavar="PLUGIN", help="its id or its name")
        return command

    install = add("install", verbs.install, "Install an archive, not enabled yet.", of_plugin=False)
    install.add_argument("archive", metavar="ARCHIVE", help=ARCHIVE)
    install.add_argument(
        "--config", "--set", dest="set", action="append", default=[], metavar="KEY=TEXT", help=f"a setting: {WORDS}"
    )
    add("enable", verbs.enable, "Start a plugin and keep it running.")
    add("disable", verbs.disable, "Stop a plugin.")
    execute = add(
        "execute", verbs.execute, "Call a plugin and print its result; exit code 1 unless it says success."
    )
    execute.add_argument("words", nargs="*", metavar="CONTEXT", help=f"a JSON object, @FILE or -; or {WORDS}")
    execute.add_argument("--context", metavar="JSON", help="the same in one: a JSON object, @FILE or -")
    listing = add("list", verbs.listing, "List the plugins.", of_plugin=False)
    listing.add_argument("--status", choices=("all", "enabled", "disabled", "failed"), default="all")
    add("info", verbs.info, "Show one plugin.")
    config = add("config", verbs.config, "Show a plugin's settings, or change them.")
    config.add_argument("words", nargs="*", metavar="KEY=TEXT", help=f"{WORDS}; key=- asks for the text")
    config.add_argument("--unset", action="append", default=[], metavar="KEY", help="back to its default")
    add("health", verbs.health, "Show how a plugin is; exit code 1 unless it is healthy.")
    logs = add("logs", verbs.logs, "Show a plugin's log.")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as records come")
    logs.add_argument("-n", "--lines", type=int, default=100, metavar="N", help="the newest N records")
    errors = add("errors", verbs.errors, "Show what went wrong in a plugin, the same things counted together.")
    errors.add_argument("--traceback", action="store_true", help="show each with its traceback")
    errors.add_argument("--clear", action="store_true", help="forget them all")
    add("stats", verbs.stats, "Show what a plugin used and did.")
    update = add("update", verbs.update, "Replace a plugin by another version of it.")
    update.add_argument("archive", metavar="ARCHIVE", help=ARCHIVE)
    add("uninstall", verbs.uninstall, "Stop a plugin and forget it, with its settings, data and log.")
    return parser
