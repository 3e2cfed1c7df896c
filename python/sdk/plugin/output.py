"""Text for people and JSON for programs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def printable(text: str) -> str:
    """Plugins choose these texts: what would move the cursor, or change the order of letters, is escaped."""
    return "".join(c if c == " " or c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def lines(text: str) -> str:
    """Text of several lines, printable."""
    return "\n".join(map(printable, text.split("\n")))


def table(rows: Iterable[Sequence[Any]], headings: Sequence[str]) -> str:
    """Columns as wide as their widest cell, two spaces apart."""
    cells = [[printable(_text(cell)) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(headings, *cells)]
    lines = [list(headings), *cells]
    return "\n".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths)).rstrip()
        for line in lines
    )


def pairs(value: Mapping[str, Any]) -> str:
    """An object as lines of ``key  value``; what is nested stands as JSON."""
    width = max((len(key) for key in value), default=0)
    return "\n".join(f"{printable(key):{width}}  {printable(_text(item))}" for key, item in value.items())


def log_line(record: Mapping[str, Any]) -> str:
    """One record; the further lines of a traceback are indented."""
    message = "\n    ".join(printable(line) for line in str(record.get("message", "")).split("\n"))
    origin = record.get("logger") or record.get("source") or ""
    return f"{record.get('time', '')}  {record.get('level', ''):8}  {printable(str(origin))}  {message}"


def title(error: Mapping[str, Any]) -> str:
    """``ValueError: no dice``, or what happened where nothing was raised, in one line."""
    name = error.get("type") or error.get("kind") or ""
    message = " ".join(str(error.get("message", "")).split())
    return f"{name}: {message}" if message else str(name)


def error(group: Mapping[str, Any]) -> str:
    """All there is to an error; its traceback last."""
    text = pairs({key: value for key, value in group.items() if key != "traceback"})
    trace = str(group.get("traceback", ""))
    return f"{text}\n\n{lines(trace)}" if trace else text


def event_line(event: str, value: Mapping[str, Any]) -> str:
    """What a call tells while it runs, in one line."""
    if event == "progress":
        fraction = value.get("fraction")
        share = f"{100 * fraction:3.0f} %" if isinstance(fraction, (int, float)) else "    "
        return f"{share}  {printable(str(value.get('message', '')))}"
    return printable(f"{event}: {json.dumps(value.get('value', value), ensure_ascii=False)}")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False)


def _width(text: str) -> int:
    """Columns in a terminal: East Asian wide letters take two, combining marks none (Unicode TR 11)."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
