"""The one exception of the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class PluginServiceError(Exception):
    """A request that the server refused, or that never reached it.

    code: stable and lower-case, e.g. ``plugin_not_found``. The server's own, or one of the
        client's: ``unreachable``, ``connection_lost``, ``timeout``, ``bad_answer``, ``file_unreadable``.
    message: what went wrong and the remedy, for people.
    status: the HTTP status, None where there was no answer.
    details: the problem document (RFC 9457) whole; empty where there was none.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message, status, details)
        self.code = code
        self.message = message
        self.status = status
        self.details: dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"
