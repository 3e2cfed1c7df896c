"""Runs the tests in the plugin's folder, as the sandbox does, with the SDK that is beside the examples."""

from __future__ import annotations

import sys
from pathlib import Path

_PLUGIN = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_PLUGIN.parents[1] / "python" / "sdk"))
sys.path.insert(0, str(_PLUGIN))
