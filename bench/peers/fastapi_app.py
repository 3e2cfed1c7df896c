"""The same plugin behind FastAPI, in the server's own process and without isolation."""

from __future__ import annotations

import importlib.util
import os
import time
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

_spec = importlib.util.spec_from_file_location("plugin_main", os.path.join(os.environ["PLUGIN"], "main.py"))
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

app = FastAPI()
plugins: dict[str, Any] = {"plugin_echo": _module.Echo({})}


class Execute(BaseModel):
    context: dict[str, Any]


@app.post("/api/plugins/{plugin_id}/execute")
async def execute(plugin_id: str, request: Execute) -> dict[str, Any]:
    plugin = plugins.get(plugin_id)
    if plugin is None:
        raise HTTPException(404)
    start = time.perf_counter()
    result = await plugin.execute(request.context)
    success = result.get("success", True) if isinstance(result, dict) else True
    return {"success": success, "result": result, "execution_time": time.perf_counter() - start}
