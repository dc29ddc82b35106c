"""The staircase: heights chained from ratios, a picture in any format."""

from pathlib import Path

import pytest

from lar.contracts import Decision, Interval
from lar.report.progress import Step, draw, points


def step(number: int, decision: Decision, ratio: float | None) -> Step:
    interval = None if ratio is None else Interval(ratio, ratio * 0.9, ratio * 1.1)
    return Step(number, decision, interval, f"change {number}")


STEPS = [
    step(1, Decision.KEEP, 0.5),
    step(2, Decision.REVERT, 1.2),
    step(3, Decision.INCORRECT, None),
    step(4, Decision.KEEP, 0.5),
]


def test_heights_are_chained_from_what_was_kept() -> None:
    found = points(STEPS)
    assert [point.height for point in found] == pytest.approx([0.5, 0.6, 0.5, 0.25])
    assert [point.champion for point in found] == pytest.approx([0.5, 0.5, 0.5, 0.25])
    assert (found[1].low, found[1].high) == pytest.approx((0.54, 0.66))


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_it_is_drawn(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"progress.{ending}"
    draw(STEPS, "a title", path)
    assert path.stat().st_size > 5_000
    if ending == "svg":
        before = path.read_text()
        assert "<svg" in before


def test_no_trial_yet_is_drawn_too(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw([], "nothing", tmp_path / "progress.svg")
    assert (tmp_path / "progress.svg").exists()
