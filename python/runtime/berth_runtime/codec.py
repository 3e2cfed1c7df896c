"""JSON text, in and out, held to the limits that the host's scanner has.

The encoder and the scanner of the standard library are made once: ``json.dumps`` makes an encoder a call.
"""

from __future__ import annotations

import json
import json.encoder
import re
from typing import Any, Callable, Iterable, Tuple

MAX_DEPTH = 64
"""Deepest nesting of arrays and objects, as in the host's JsonScanner."""

MAX_NUMBER = 100
"""Longest number, in characters, as in the host's JsonScanner."""


class NotJson(Exception):
    """A value that can't be sent; the message says why."""


def text_of(error: BaseException) -> str:
    """``str(error)``, whatever a class of the plugin's does when it is asked for it."""
    try:
        return str.__str__(str(error))  # Of a subclass of str, the characters alone.
    except BaseException:
        return "(its __str__ failed)"


def described(error: BaseException) -> str:
    """``ValueError: no dice``; the name alone where it says nothing."""
    text = text_of(error)
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _refuse(value: object) -> Any:
    raise TypeError(f"a value of type {type(value).__name__} is not JSON")


def _make_encoder() -> Callable[[Any, int], Iterable[str]]:
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # An interpreter without the C part.
        plain = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse)
        return lambda value, _level: (plain.encode(value),)
    # No table of containers under way (the first None): one that holds itself ends in a RecursionError.
    encoder: Callable[[Any, int], Iterable[str]] = make(
        None, _refuse, json.encoder.encode_basestring, None, ":", ",", False, False, False
    )
    return encoder


_encode = _make_encoder()
_scan: Callable[[str, int], Tuple[Any, int]] = getattr(json.JSONDecoder(), "scan_once")  # noqa: B009 - typeshed doesn't know it.
# One look at a translated copy finds what needs a second look: brackets become '[', digits '0'.
_SHAPE = bytes.maketrans(b"{123456789", b"[000000000")
_LONG_NUMBER = b"0" * MAX_NUMBER
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_LONG_DIGITS = re.compile(rb"[-+.0-9eE]{%d}" % (MAX_NUMBER + 1))
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_CURLY = bytes.maketrans(b"{}", b"[]")


def encode(value: Any) -> bytes:
    """The JSON text of ``value`` in UTF-8, which the host will accept; raises NotJson."""
    try:
        data = "".join(_encode(value, 0)).encode()
    except UnicodeEncodeError:
        raise NotJson("a string holds half of a surrogate pair, which UTF-8 can't carry") from None
    except RecursionError:
        raise NotJson(f"it contains itself or is nested deeper than {MAX_DEPTH}") from None
    except (TypeError, ValueError) as e:
        raise NotJson(text_of(e)) from None
    except BaseException as e:  # A container of the plugin's own class may raise anything, SystemExit too.
        raise NotJson(f"reading it raised {described(e)}") from None
    if len(data) > MAX_DEPTH:
        shape = data.translate(_SHAPE)
        if shape.count(b"[") > MAX_DEPTH and _depth_exceeded(data):
            raise NotJson(f"it is nested deeper than {MAX_DEPTH}")
        if _LONG_NUMBER in shape and _LONG_DIGITS.search(_STRING.sub(b'""', data)):
            raise NotJson(f"it holds a number of more than {MAX_NUMBER} characters")
    return data


def _depth_exceeded(data: bytes) -> bool:
    brackets = _STRING.sub(b"", data).translate(_CURLY, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")  # Takes the innermost level away.
        if not brackets:
            return False
    return True


def decode(text: str, start: int) -> Tuple[Any, int]:
    """The JSON value that begins at ``start``, and the position after it; raises ValueError."""
    try:
        return _scan(text, start)
    except StopIteration:
        raise ValueError("not JSON") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
