"""What a battery lacks is told: failing where it is certain, as a warning where a target may do without."""

from collections.abc import Callable, Sequence

import pytest

from lar.contracts import Case, Target
from lar.examination import Grade, battery
from lar.examination.exhibits import Exhibit
from lar.examination.report import Notes

BATTERY: dict[str, tuple[str, str, Callable[[Case], bool]]] = {
    "size 1": ("smallest size", "no case has n = 1", lambda case: case.shape["n"] > 1),
    "tails": ("uneven sizes", "multiple of 16", lambda case: case.shape["n"] in {1, 7, 64}),
    "distributions": ("distributions", "expected at least 5", lambda case: case.distribution in {"normal", "uniform"}),
}


@pytest.mark.parametrize("lack", BATTERY)
def test_what_a_battery_certainly_lacks_fails(lack: str, template: Target, exhibits: Sequence[Exhibit]) -> None:
    what, said, keeps = BATTERY[lack]
    notes = Notes()
    battery.examine(template, [one for one in exhibits if keeps(one.case)], notes, uses_ops=True)
    assert any(one.what == what and said in one.reason and one.grade is Grade.FAIL for one in notes.findings)


def test_what_a_battery_may_lack_is_a_warning(template: Target, exhibits: Sequence[Exhibit]) -> None:
    plain = [one for one in exhibits if one.case.distribution in {"normal", "uniform", "garbage", "all-selected"}]
    plain += [one for one in exhibits if one.case.distribution == "none-selected"]
    plain = [one for one in plain if one.case.shape["n"] != 65]
    notes = Notes()
    battery.examine(template, plain, notes, uses_ops=True)
    warned = {one.reason for one in notes.findings if one.grade is Grade.WARNING}
    assert any("no array has a common offset" in reason for reason in warned)
    assert any("`lar.ops` changes its algorithm" in reason for reason in warned)
    assert any("no n is one more than a multiple of 64" in reason for reason in warned)
