"""Facts about the host, with this one changed where a test may."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

from berth_runtime import host_facts

RUNTIME = str(Path(__file__).parents[1])


def test_each_fact_is_a_sentence_and_each_note_has_a_remedy(tmp_path: Path) -> None:
    found = host_facts.look(str(tmp_path / "not" / "made" / "yet"))
    assert [f.name for f in found] == ["python", "clock", "swap", "overcommit", "open_files", "disk"]
    for finding in found:
        assert finding.what
        assert finding.ok or finding.remedy, finding
    assert not (tmp_path / "not").exists()


def test_strict_promises_of_memory_are_noted(tmp_path: Path) -> None:
    setting = tmp_path / "overcommit_memory"
    for value, ok in (("0\n", True), ("1\n", True), ("2\n", False)):
        setting.write_text(value, encoding="ascii")
        assert host_facts.overcommit(str(setting)).ok is ok
    assert host_facts.overcommit(str(tmp_path / "none")).ok


def test_few_open_files_are_noted() -> None:
    code = f"""
import json, resource, sys
sys.path.insert(0, {RUNTIME!r})
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
from berth_runtime import host_facts
print(json.dumps([f.row() for f in host_facts.look("/")]))
"""
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] != 100
    said = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, timeout=60).stdout
    found: Dict[str, Dict[str, Any]] = {row["name"]: row for row in json.loads(said)}
    assert found["open_files"] == {
        "name": "open_files",
        "ok": False,
        "what": "the host may open 100 files; each plugin takes several",
        "remedy": "Raise it: LimitNOFILE=65536 in the systemd unit, or ulimit -n 65536.",
    }
