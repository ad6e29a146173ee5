"""Templates are read by people too."""

from pathlib import Path

import pytest
from django.conf import settings

LONGEST = 140
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_line_of_a_template_runs_off_the_screen(template: Path) -> None:
    lines = template.read_text().splitlines()

    assert [line for line in lines if len(line) > LONGEST] == []
