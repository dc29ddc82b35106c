"""What an examination found: findings in sections, each with a grade and one line that says why."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeVar

from lar.contracts import Exit

SCHEMA = "lar.check/1"
_FAULTS_TOLD = 4
T = TypeVar("T")
Tell = Callable[[str, int, int], None]
"""``(what, done, of)``: told what is going on, for a progress bar."""


class Grade(StrEnum):
    """How a finding came out: `FAIL` is certain to be a fault, `WARNING` may be one, `SKIPPED` could not be tried."""

    PASS = "pass"  # noqa: S105 - the other one
    SKIPPED = "skipped"
    WARNING = "warning"
    FAIL = "fail"


_GRAVITY = (Grade.SKIPPED, Grade.PASS, Grade.WARNING, Grade.FAIL)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    grade : Grade
    what : str
        What was looked at, in a few words.
    reason : str
        One line: what was seen, and for a failure what was expected.
    """

    grade: Grade
    what: str
    reason: str


@dataclass(frozen=True)
class Section:
    """A part of the examination."""

    name: str
    title: str
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def grade(self) -> Grade:
        """The gravest of its findings; skipped where all were, or where there is none."""
        return max((one.grade for one in self.findings), key=_GRAVITY.index, default=Grade.SKIPPED)


@dataclass(frozen=True)
class Report:
    """What was found of a target."""

    target: str
    sections: tuple[Section, ...]

    @property
    def grade(self) -> Grade:
        """The gravest of its sections."""
        return max((one.grade for one in self.sections), key=_GRAVITY.index, default=Grade.SKIPPED)

    @property
    def exit_code(self) -> Exit:
        """What `lar check` ends with: warnings and what could not be tried do not count."""
        return Exit.INCORRECT if self.grade is Grade.FAIL else Exit.DONE

    def section(self, name: str) -> Section:
        """Return the section of that name."""
        return next(one for one in self.sections if one.name == name)

    def to_json(self) -> str:
        """Return the report as a JSON document: ``schema target grade exit_code sections``."""
        sections = [
            {
                "name": one.name,
                "title": one.title,
                "grade": one.grade,
                "seconds": round(one.seconds, 3),
                "findings": [asdict(finding) for finding in one.findings],
            }
            for one in self.sections
        ]
        facts = {"schema": SCHEMA, "target": self.target, "grade": self.grade, "exit_code": int(self.exit_code)}
        return json.dumps(facts | {"sections": sections}, indent=1)


class Notes:
    """Takes down the findings of one section."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def add(self, grade: Grade, what: str, reason: str) -> None:
        """Take down a finding; of a reason of several lines the first stands for all."""
        lines = reason.strip().splitlines()
        self.findings.append(Finding(grade, what, lines[0] if lines else ""))

    def settle(self, what: str, seen: str, faults: list[str], *, otherwise: Grade = Grade.FAIL) -> None:
        """Take down that `what` passes, as `seen`; or its faults, and of many how many more there are."""
        if not faults:
            self.add(Grade.PASS, what, seen)
        for fault in faults[:_FAULTS_TOLD]:
            self.add(otherwise, what, fault)
        if len(faults) > _FAULTS_TOLD:
            self.add(otherwise, what, f"and {len(faults) - _FAULTS_TOLD} more like these")

    def attempt(self, what: str, function: Callable[[], T]) -> T | None:
        """Call the target's own code; whatever it raises is a failure of the target, and None is returned."""
        try:
            return function()
        except Exception as error:  # noqa: BLE001 - a target under examination may raise anything
            self.add(Grade.FAIL, what, told(error))
            return None

    @property
    def failed(self) -> bool:
        """Whether anything failed so far."""
        return any(one.grade is Grade.FAIL for one in self.findings)


def told(error: BaseException) -> str:
    """Return an exception as one line."""
    text = " ".join(str(error).split())
    return f"raises {type(error).__name__}: {text}" if text else f"raises {type(error).__name__}"


def render(report: Report) -> str:
    """Return the report as plain text: a line a finding, a block a section, the summary last."""
    width = max((len(one.what) for section in report.sections for one in section.findings), default=0)
    blocks = []
    for number, section in enumerate(report.sections, start=1):
        lines = [f"{number}. {section.title}: {section.grade} ({section.seconds:.1f} s)"]
        lines += [f"  {one.grade:<7}  {one.what:<{width}}  {one.reason}".rstrip() for one in section.findings]
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, _summary(report)])


def _summary(report: Report) -> str:
    grades = [one.grade for section in report.sections for one in section.findings]
    counts = [f"{grades.count(grade)} {name}" for grade, name in zip(Grade, _PLURALS, strict=True) if grade in grades]
    return f"{report.target}: {'fail' if report.grade is Grade.FAIL else 'pass'} ({', '.join(counts)})"


_PLURALS = ("passed", "skipped", "warnings", "failed")
