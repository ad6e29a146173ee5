"""The tools beside the tests say what is, and nothing better."""

from pathlib import Path

from bench import audit, tried

PINS = "# a comment\nDjango==5.2.19\npysqlite3-binary==0.5 ; sys_platform == 'linux'\n"


def test_the_audit_reads_pins_and_direct_names() -> None:
    names = audit.direct_names(["# reasons\nDjango  # the framework\nav>=14\n", "-r light.in\n"])

    assert audit.pins(PINS) == {"django": "5.2.19", "pysqlite3-binary": "0.5"}
    assert names == {"django", "av"}
    assert audit.versions(audit.pins(PINS), names, lambda name: "6.0") == [("django", "5.2.19", "6.0")]


def test_what_could_not_be_looked_up_is_not_called_audited() -> None:
    said = {"dependencies": [{"name": "av", "skip_reason": "Dependency not found on PyPI"}]}

    assert audit.weaknesses(said) == ([], 0)
    assert audit.weaknesses(None) == ([], 0)


def test_a_weakness_is_told_with_what_mends_it() -> None:
    weak = {"id": "PYSEC-1", "fix_versions": ["2.0"]}
    said = {
        "dependencies": [{"name": "av", "version": "1.0", "vulns": [weak]}, {"name": "b", "version": "1", "vulns": []}]
    }

    assert audit.weaknesses(said) == (["av 1.0: PYSEC-1, mended in 2.0"], 2)


def test_the_line_of_a_tried_run_counts_what_ran(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite tests="5" failures="1" errors="1" skipped="2"/></testsuites>', encoding="utf-8"
    )

    assert tried.counted(report) == {"ran": 3, "failed": 2, "skipped": 2}
