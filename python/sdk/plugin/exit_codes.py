"""What a command says to the program that started it: the same as `berth` does (docs/OPERATOR.md)."""

from __future__ import annotations

from services.errors import PluginServiceError

OK = 0
FAILED = 1
USAGE = 2
NOT_FOUND = 3
REFUSED = 4
UNREACHABLE = 5
TIMEOUT = 6
NOT_ALLOWED = 7
INTERRUPTED = 130

_OF_CODE = {
    "unreachable": UNREACHABLE,
    "connection_lost": UNREACHABLE,
    "timeout": TIMEOUT,
    "file_unreadable": NOT_FOUND,
    "plugin_not_found": NOT_FOUND,
    "bad_request": USAGE,
    "invalid_json": USAGE,
}
_OF_STATUS = {401: NOT_ALLOWED, 403: NOT_ALLOWED, 404: NOT_FOUND, 408: TIMEOUT, 504: TIMEOUT}


def of(error: PluginServiceError) -> int:
    """The exit code of a failure: by its status where the server answered, else by the client's code."""
    if error.status is None:
        return _OF_CODE.get(error.code, FAILED)
    return _OF_STATUS.get(error.status, REFUSED if 400 <= error.status < 500 else FAILED)
