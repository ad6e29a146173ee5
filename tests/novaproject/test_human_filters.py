"""What people write into a filter is read as they mean it; what cannot be read is left for the filter to refuse."""

from datetime import UTC, datetime

import pytest

from novaproject.pages.human_filters import machine_value

NOW = datetime(2026, 11, 28, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("min_size", "10 GB", "10000000000"),
        ("max_size", "1.5tb", "1500000000000"),
        ("min_size", "500 m", "500000000"),
        ("min_size", "1,234", "1234"),
        ("min_size", "many", "many"),
        ("min_duration", "1:30", "90"),
        ("min_duration", "1:02:03", "3723"),
        ("max_duration", "1 h 5 min", "3900"),
        ("max_duration", "90", "90"),
        ("max_duration", "a:b", "a:b"),
        ("imported_after", "today", "2026-11-28T00:00:00+00:00"),
        ("imported_after", "Yesterday", "2026-11-27T00:00:00+00:00"),
        ("created_after", "last week", "2026-11-21T00:00:00+00:00"),
        ("created_before", "3 days ago", "2026-11-25T00:00:00+00:00"),
        ("created_before", "2026-09-14", "2026-09-14"),
        ("q", "10 GB", "10 GB"),
    ],
)
def test_a_filter_is_read_as_it_is_meant(name: str, text: str, value: str) -> None:
    assert machine_value(name, text, NOW) == value
