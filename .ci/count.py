"""Adds up the JUnit reports of Surefire and pytest: skips with reasons, failures, the counts on the last line."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def main(reports: Path, failed_steps: Path) -> int:
    """Returns the exit code: 0 when tests ran and neither a test nor a step failed."""
    passed, failed, skipped = 0, [], []
    for report in sorted(reports.rglob("*.xml")):
        try:
            cases = list(ET.parse(report).iter("testcase"))
        except ET.ParseError as e:
            failed.append(f"{report}: not readable, {e}")
            continue
        for case in cases:
            name = f"{case.get('classname')}.{case.get('name')}"
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append(name)
            elif skip is not None:
                skipped.append(f"{name}: {reason(skip)}")
            else:
                passed += 1
    # pytest ends with 1 when a test failed, which is counted above; a step that failed without one counts itself.
    steps = failed_steps.read_text().split()
    for step in steps:
        if not (step.startswith("pytest-") and any_failed(reports / f"{step}.xml")):
            failed.append(step)
    print()
    for line in skipped:
        print(f"skipped  {line}")
    for line in failed:
        print(f"FAILED   {line}")
    if not passed and not failed:
        failed.append("no test ran")
        print("FAILED   no test ran")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed else 0


def reason(skip: ET.Element) -> str:
    """Why a test was skipped, on one line and without its stack."""
    text = skip.get("message") or (skip.text or "").split("\n\tat ")[0]
    return " ".join(text.split()) or "no reason given"


def any_failed(report: Path) -> bool:
    """Whether a report tells of a failed test."""
    if not report.exists():
        return False
    root = ET.parse(report).getroot()
    return next(root.iter("failure"), None) is not None or next(root.iter("error"), None) is not None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
