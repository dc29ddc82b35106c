"""Findings add up: to a section's grade, a report's exit code, text and JSON."""

from lar.contracts import Exit
from lar.examination import Finding, Grade, Report, Section
from lar.examination.report import Notes


def test_many_faults_are_told_by_four_and_their_number() -> None:
    notes = Notes()
    notes.settle("sizes", "all", [f"fault {number}" for number in range(9)])
    assert [one.reason for one in notes.findings] == [
        "fault 0",
        "fault 1",
        "fault 2",
        "fault 3",
        "and 5 more like these",
    ]


def test_a_section_is_as_grave_as_its_gravest_finding() -> None:
    order = [Grade.SKIPPED, Grade.PASS, Grade.WARNING, Grade.FAIL]
    for number, grade in enumerate(order):
        found = tuple(Finding(one, "x", "y") for one in reversed(order[: number + 1]))
        section = Section("a", "A", found, 0.0)
        assert section.grade is grade
        report = Report("t", (section,))
        assert report.exit_code is (Exit.INCORRECT if grade is Grade.FAIL else Exit.DONE)
