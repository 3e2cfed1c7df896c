"""What a plugin may import to speak to its host while a call runs.

    import berth

    class Report:
        async def execute(self, context):
            await berth.progress(0.5, "half way")
            await berth.partial({"page": 1})
            return {"pages": 2}

In a plain ``def execute`` leave out ``await``. Outside a call, and outside a host altogether, both check what they
are given and do nothing, so a plugin can be tested as it is. A call's tasks and ``asyncio.to_thread`` belong to it;
a thread started with ``threading.Thread`` does not, unless it runs in a copy of the call's context.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Awaitable, Generator, Optional

if TYPE_CHECKING:
    from berth_runtime import call as _call
else:
    try:
        from berth_runtime import call as _call
    except ImportError:  # Not in a sandbox.
        _call = None

__all__ = ["in_call", "partial", "progress"]

_MAX_TEXT = 1_000


def in_call() -> bool:
    """Whether the running code belongs to a call of a host's."""
    return _call is not None and _call.port is not None and _call.current_id.get(None) is not None


def progress(fraction: Optional[float] = None, message: str = "") -> Awaitable[None]:
    """Tell who called how far the call is.

    ``fraction`` is from 0 to 1, or None when it isn't known; of ``message`` the first 1,000 characters are sent.
    It is sent at once; awaiting waits while the host doesn't take what was sent. Raises TypeError or ValueError.
    """
    if fraction is not None:
        if isinstance(fraction, bool) or not isinstance(fraction, (int, float)):
            raise TypeError(f"progress: fraction must be a number or None, not {type(fraction).__name__}")
        if not 0 <= fraction <= 1:
            raise ValueError(f"progress: fraction must be from 0 to 1, not {fraction}")
        fraction = float(fraction)
    if not isinstance(message, str):
        raise TypeError(f"progress: message must be a str, not {type(message).__name__}")
    if _call is not None and _call.port is not None:
        call_id = _call.current_id.get(None)
        if call_id is not None:
            return _call.port.progress(call_id, fraction, message[:_MAX_TEXT])
    return _Nothing()


def partial(value: Any) -> Awaitable[None]:
    """Send a part of the result, any JSON value of up to 1 MiB, before the call is over.

    It is sent at once; awaiting waits while the host doesn't take what was sent. Raises ValueError for a value
    that is not JSON or is too large.
    """
    if _call is not None and _call.port is not None:
        call_id = _call.current_id.get(None)
        if call_id is not None:
            return _call.port.partial(call_id, value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as e:
        raise ValueError(f"partial: not JSON: {e}") from None
    return _Nothing()


class _Nothing:
    def __await__(self) -> Generator[Any, None, None]:
        yield from ()
