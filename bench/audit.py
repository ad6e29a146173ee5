"""Whether the pinned packages have known weaknesses (`make audit`); where no index says, how old the direct ones are.

pip-audit lives in an environment of its own, so that the audited one stays as it is pinned. What it could not look up
it calls "skipped" and still ends with success: here that counts as not audited.
"""

import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
PINNED = CHECKOUT / "requirements.txt"
DIRECT = CHECKOUT / "requirements"
OWN = CHECKOUT / ".venv" / "audit"
PATIENCE_S = 300


def pins(text: str) -> dict[str, str]:
    """The pinned version of each package, by its name in lower case."""
    return {name.lower(): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)}


def direct_names(texts: list[str]) -> set[str]:
    """The packages that the lists of direct dependencies name."""
    names = re.findall(r"^([A-Za-z][\w.-]*)", "\n".join(texts), re.MULTILINE)
    return {name.lower() for name in names}


def pip_audit() -> dict[str, Any] | None:
    """What pip-audit says of the pins; None where it cannot be had or finds no index that knows of weaknesses."""
    try:
        if not (OWN / "bin" / "pip-audit").exists():
            venv.create(OWN, with_pip=True)
            install = [str(OWN / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "pip-audit"]
            subprocess.run(install, check=True, capture_output=True, timeout=PATIENCE_S)
        ask = [str(OWN / "bin" / "pip-audit"), "-r", str(PINNED), "--no-deps", "--disable-pip", "--format", "json"]
        done = subprocess.run(ask, check=False, capture_output=True, text=True, timeout=PATIENCE_S)
        said: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError):
        return None
    return said


def newest(name: str) -> str:
    """The newest version that the configured index offers; empty where it does not answer."""
    ask = [sys.executable, "-m", "pip", "index", "versions", name, "--disable-pip-version-check"]
    try:
        done = subprocess.run(ask, check=False, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return ""
    found = re.match(r"\S+ \(([^)]+)\)", done.stdout)
    return found[1] if found else ""


def weaknesses(said: dict[str, Any] | None) -> tuple[list[str], int]:
    """Each known weakness in words, and how many packages were really looked up."""
    looked_up = [row for row in (said or {}).get("dependencies", []) if "skip_reason" not in row]
    found = [
        f"{row['name']} {row['version']}: {weak['id']}, mended in {', '.join(weak['fix_versions']) or 'no version yet'}"
        for row in looked_up
        for weak in row.get("vulns", [])
    ]
    return found, len(looked_up)


def versions(pinned: dict[str, str], names: set[str], ask: Callable[[str], str]) -> list[tuple[str, str, str]]:
    """Name, pinned version and newest known version of each direct dependency."""
    return [(name, pinned[name], ask(name)) for name in sorted(names & set(pinned))]


def numbers_of(version: str) -> list[int]:
    """The numbers of a version, to be compared."""
    return [int(number) for number in re.findall(r"\d+", version)]


def main() -> None:
    """Print what is known, and one JSON line."""
    pinned = pins(PINNED.read_text(encoding="utf-8"))
    found, looked_up = weaknesses(pip_audit())
    for line in found:
        print(line)
    behind = 0
    if not looked_up:
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        print(f"No index here knows of weaknesses. The newest versions that it offers, on {day}:")
        names = direct_names([path.read_text(encoding="utf-8") for path in sorted(DIRECT.glob("*.in"))])
        for name, version, latest in versions(pinned, names, newest):
            is_behind = numbers_of(latest) > numbers_of(version)
            behind += is_behind
            print(f"  {name:28} {version:14} {latest or 'unknown':14} {day}{'  newer' if is_behind else ''}")
    ratios = {"weaknesses": len(found), "looked_up": looked_up, "behind": behind}
    is_ok = not found if looked_up else None  # nobody knows
    print(json.dumps({"bench": "audit", "ok": is_ok, "ratios": ratios, "cores": os.cpu_count(), "n": len(pinned)}))


if __name__ == "__main__":
    main()
