"""Draws the floor plan of docs/architecture.md from the contracts in pyproject.toml. `make floors` runs it.

`make floors OF=files` prints how one floor is built inside instead.
"""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "architecture.md"
BEGIN, END = "<!-- drawn by `make floors` -->\n", "<!-- end of the drawing -->\n"
WIDTH = 118
#: A floor is drawn so much narrower than the one below, so that it stands on it.
STEP = 2


def contracts() -> list[dict[str, Any]]:
    config = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = config["tool"]["importlinter"]["contracts"]
    return found


def storeys() -> list[list[str]]:
    """The floors, the uppermost first; those that stand side by side and may not meet are one storey."""
    layers: list[str] = next(contract for contract in contracts() if contract["name"].startswith("The floors"))[
        "layers"
    ]
    return [layer.split(" | ") for layer in layers]


def floors() -> list[str]:
    """All floors, the uppermost first."""
    return [floor for storey in storeys() for floor in storey]


def owned(floor: str) -> list[str]:
    """Packages that no other floor may import."""
    walls = [contract for contract in contracts() if contract["type"] == "forbidden"]
    return [
        name
        for wall in walls
        if set(floors()) - set(wall["source_modules"]) == {floor}
        for name in wall["forbidden_modules"]
    ]


def said(floor: str) -> str:
    """What the floor says of itself: the first line of its docstring."""
    text = ast.get_docstring(ast.parse((CHECKOUT / floor / "__init__.py").read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def drawn() -> str:
    """The floors as boxes, each on the one below, with what it is and what only it may import."""
    levels = storeys()
    lines = []
    for index, names in enumerate(levels):
        inner = WIDTH - 2 - 2 * STEP * (len(levels) - 1 - index)
        margin = " " * STEP * (len(levels) - 1 - index)
        lines.append(f"{margin}┌{'─' * inner}┐")
        for name in names:
            lines.append(f"{margin}│{f' {name:<14} {said(name)}':<{inner}}│")
            only = f"only here: {', '.join(owned(name))}"
            if owned(name):
                lines.append(f"{margin}│{f' {str():<14} {only}':<{inner}}│")
        lines.append(f"{margin}└{'─' * inner}┘")
    return "```\n" + "\n".join(lines) + "\n```\n"


def inside(floor: str) -> str:
    """The layers of one floor, the uppermost first."""
    contract = next((one for one in contracts() if one.get("containers") == [floor]), None)
    if contract is None:
        return f"{floor} has no layers of its own; known are {', '.join(floors())}."
    return "\n".join(
        f"{number:>3}  {re.sub(r' *: *', ', ', layer)}" for number, layer in enumerate(contract["layers"], 1)
    )


def page_with_drawing(text: str) -> str:
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{drawn()}{END}{after}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write(inside(sys.argv[1]) + "\n")
    else:
        PAGE.write_text(page_with_drawing(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
