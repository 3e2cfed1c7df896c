"""Adds up the JUnit reports of Surefire and pytest: skips with reasons, failures, the counts on the last line."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

LINES = 12  # that are shown of a failure from its beginning, and from its end


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
            wrong = case.find("failure")
            if wrong is None:
                wrong = case.find("error")
            if wrong is not None:
                failed.append(f"{name}\n{why(wrong)}")
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


def why(wrong: ET.Element) -> str:
    """What went wrong, indented: the first lines and the last, of a Java stack only the project's own places."""
    text = wrong.text or wrong.get("message") or "no message"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("at ") or line.startswith("at dev.berth.")]
    if len(told) > 2 * LINES:
        told[LINES:-LINES] = ["..."]
    return "\n".join("             " + line[:300] for line in told)


def any_failed(report: Path) -> bool:
    """Whether a report tells of a failed test."""
    if not report.exists():
        return False
    root = ET.parse(report).getroot()
    return next(root.iter("failure"), None) is not None or next(root.iter("error"), None) is not None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
