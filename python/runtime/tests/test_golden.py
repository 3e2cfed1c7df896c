"""The messages of protocol/golden, which the host's tests read too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
from berth_runtime import codec, messages

FOLDER = Path(__file__).resolve().parents[3] / "protocol" / "golden"


def golden(direction: str) -> List[Any]:
    found = []
    for file in sorted(FOLDER.glob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["direction"] == direction:
            found.append(pytest.param(content["frame"], content["means"], id=file.stem))
    return found


@pytest.mark.parametrize(("frame", "means"), golden("host"))
def test_the_worker_reads(frame: str, means: Dict[str, Any]) -> None:
    message = messages.read(frame)
    kind = means["type"]
    expected: messages.HostMessage
    if kind == "initialize":
        plugin = {"id": means["plugin"], "name": means["name"], "version": means["version"]}
        expected = messages.Initialize(
            means["id"],
            plugin,
            means["main"],
            means["class"],
            means["paths"],
            means["max_context_bytes"],
            means["max_result_bytes"],
            json.loads(means["config_text"]),
        )
    elif kind == "execute":
        expected = messages.Execute(means["id"], json.loads(means["context_text"]))
    elif kind == "execute-chunked":
        expected = messages.ExecuteChunked(means["id"], means["chunks"])
    elif kind == "chunk":
        expected = messages.Chunk(means["id"], means["data"])
    elif kind == "cancel":
        expected = messages.Cancel(means["id"])
    elif kind == "health":
        expected = messages.Health(means["id"])
    else:
        assert kind == "shutdown"
        expected = messages.Shutdown(means["id"])
    assert message == expected
    assert type(message) is type(expected)


@pytest.mark.parametrize(("frame", "means"), golden("worker"))
def test_the_worker_writes(frame: str, means: Dict[str, Any]) -> None:
    assert written(means).decode() == frame


def written(means: Dict[str, Any]) -> bytes:
    kind, call_id = means["type"], means.get("id", 0)
    value = codec.encode(json.loads(means.get("value_text", "null")))
    if kind == "executed":
        return messages.executed(call_id, means["success"], value)
    if kind == "executed-chunked":
        return messages.executed_chunked(call_id, means["success"], means["chunks"])
    if kind == "initialized":
        return messages.initialized(call_id, means["python"], means["health"])
    if kind == "answered":
        return messages.answered(call_id, value)
    if kind == "failed" and means["kind"] == "":
        return messages.refused(call_id, means["code"], means["message"])
    if kind == "failed":
        raised = None
        if means["traceback"] is not None:
            raised = messages.Raised(means["exception"], means["frames"], means["traceback"], means.get("full", []))
        return messages.failed(call_id, means["kind"], means["message"], raised)
    if kind == "cancelling":
        return messages.cancelling(call_id)
    if kind == "progress":
        return messages.progress(call_id, means["fraction"], means["message"])
    if kind == "partial":
        return messages.partial(call_id, value)
    if kind == "log":
        records = [messages.Record(**record) for record in means["records"]]
        return messages.log(records, means["dropped"])
    assert kind == "chunk"
    return messages.chunk(call_id, means["data"])
