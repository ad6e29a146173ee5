"""Run tests as a tool, longer than `make test` does, and end with one JSON line.

Usage: `python -m bench.tried NAME ARGUMENTS-OF-PYTEST…`
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree as ET


def counted(report: Path) -> dict[str, int]:
    """How many tests ran, failed (errors too) and were skipped, from pytest's own report."""
    suites = ET.parse(report).getroot().iter("testsuite")
    numbers = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in suites:
        for name in numbers:
            numbers[name] += int(suite.get(name, "0"))
    return {
        "ran": numbers["tests"] - numbers["skipped"],
        "failed": numbers["failures"] + numbers["errors"],
        "skipped": numbers["skipped"],
    }


def main(name: str, arguments: list[str]) -> int:
    """Print pytest's own words and the line. Returns its status."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *arguments]
        status = subprocess.run(command, check=False).returncode
        numbers = counted(report) if report.exists() else {"ran": 0, "failed": 1, "skipped": 0}
    ratios = {**numbers, "seconds": round(time.monotonic() - began)}
    is_ok = status == 0 and numbers["ran"] > 0
    print(json.dumps({"bench": name, "ok": is_ok, "ratios": ratios, "cores": os.cpu_count(), "n": numbers["ran"]}))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
