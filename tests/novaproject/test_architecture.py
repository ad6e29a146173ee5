"""The walls themselves: no app may stand outside them, and no module without a place."""

import re
from pathlib import Path

from tests import floor_plan

CHECKOUT = Path(__file__).resolve().parents[2]


def test_every_app_is_a_floor() -> None:
    apps = {path.parent.name for path in CHECKOUT.glob("*/apps.py")}

    assert apps == set(floor_plan.floors())
    assert len(apps) == 9


def test_the_floor_plan_is_drawn_from_the_contracts() -> None:
    page = floor_plan.PAGE.read_text(encoding="utf-8")

    assert floor_plan.page_with_drawing(page) == page, "run `make floors`"
    assert "only here: boto3" in page
    for floor in floor_plan.floors():
        assert "no layers" not in floor_plan.inside(floor)
    for line in floor_plan.drawn().strip("`\n").splitlines():
        margin = len(line) - len(line.lstrip())
        assert len(line) + margin == floor_plan.WIDTH, f"too long for its box: {line}"


def test_every_direct_dependency_has_its_reason() -> None:
    for path in (CHECKOUT / "requirements").glob("*.in"):
        commented = False
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                commented = True
            elif line and not line.startswith("-"):
                assert "#" in line or commented, f"{path.name}: {line} has no reason"


def test_the_pins_name_no_local_build() -> None:
    for path in CHECKOUT.glob("requirements*.txt"):
        pins = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        assert pins
        for pin in pins:
            assert "==" in pin, f"{path.name}: {pin} is not pinned"
            assert "+" not in pin.partition(";")[0], f"{path.name}: {pin} is a local build"
            assert "--hash" not in pin
            assert "://" not in pin


def test_every_setting_is_explained() -> None:
    source = (CHECKOUT / "novaproject" / "settings.py").read_text(encoding="utf-8")
    told = (CHECKOUT / "docs" / "configuration.md").read_text(encoding="utf-8")

    names = set(re.findall(r'(?:env\.\w+|_folder)\(\s*"([A-Z_0-9]+)"', source))

    assert "WHISPER_MODEL" in names
    assert {name for name in names if f"`{name}`" not in told} == set()


def test_every_picture_of_the_docs_is_there_and_small() -> None:
    pages = [CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md")]
    named = {
        (page.parent / name).resolve()
        for page in pages
        for name in re.findall(r'(?:\]\(|src=")([^)"]+\.(?:webp|png|svg))', page.read_text(encoding="utf-8"))
    }

    assert len(named) > 10
    assert [path for path in named if not path.is_file()] == []
    assert sum(path.stat().st_size for path in (CHECKOUT / "docs" / "images").iterdir()) < 1_500_000
