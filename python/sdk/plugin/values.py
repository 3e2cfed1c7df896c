"""JSON objects as people type them: ``key=text`` for a string, ``key:=json`` for anything else."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.errors import PluginServiceError


def assignments(words: Sequence[str], ask: bool = False) -> dict[str, Any]:
    """The object that the words are. With ``ask``, ``key=-`` reads a value unseen: from the terminal or stdin."""
    values: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key or key == ":":
            raise _usage(f"'{word}' is not key=text or key:=json. An example: user=ada count:=3")
        is_json = key.endswith(":")
        key = key[:-1] if is_json else key
        if key in values:
            raise _usage(f"'{key}' is given twice.")
        if is_json:
            try:
                values[key] = json.loads(text)
            except ValueError as e:
                raise _usage(f"{key}:= wants JSON ({e}). For a string write {key}={text}.") from None
        else:
            values[key] = _unseen(key) if ask and text == "-" else text
    return values


def context(words: Sequence[str], whole: str | None) -> dict[str, Any]:
    """A call's context: one object whole (JSON, ``@file`` or ``-`` for stdin), or its members."""
    if whole is not None and words:
        raise _usage("Give the context by --context or by words, not by both.")
    if whole is None and len(words) == 1 and words[0].lstrip().startswith(("{", "@", "-")):
        whole = words[0]
    return assignments(words) if whole is None else _object(whole)


def _object(given: str) -> dict[str, Any]:
    text, where = given, "The context"
    try:
        if given == "-":
            text, where = sys.stdin.read(), "Standard input"
        elif given.startswith("@"):
            text, where = Path(given[1:]).read_text(encoding="utf-8"), given[1:]
        value = json.loads(text)
    except OSError as e:
        raise PluginServiceError("file_unreadable", f"Can't read {given[1:]}: {e.strerror}.") from e
    except ValueError as e:
        raise _usage(f"{where} is not JSON: {e}.") from e
    if not isinstance(value, dict):
        raise _usage(f'{where} must be a JSON object, such as {{"message": "hi"}}.')
    return value


def _unseen(key: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{key}: ")
    return sys.stdin.readline().rstrip("\n")


def _usage(message: str) -> PluginServiceError:
    return PluginServiceError("bad_request", message)
