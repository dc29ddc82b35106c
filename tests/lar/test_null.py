"""What rounds of a champion against itself say: false keeps, bias, and when a slot is not to be decided in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lar import null
from lar.contracts import Decision, Interval, Judgement
from lar.journal import Journal
from lar.null import Null


def judged(ratio: float | None, decision: Decision = Decision.REVERT) -> Judgement:
    interval = None if ratio is None else Interval(ratio, ratio - 0.01, ratio + 0.01)
    return Judgement(decision, "as a test", "sight", interval, detectable=None if ratio is None else 0.02)


def of(*ratios: float | None, decision: Decision = Decision.REVERT) -> Null:
    return Null("t/numpy/here", "abc", tuple(judged(one, decision) for one in ratios), 0, 1.0)


def test_a_null_round_one_does_not_drift() -> None:
    found = of(0.999, 1.001, 1.0, 1.002)
    assert not found.drifts
    assert found.bias is not None
    assert found.bias.low < 1.0 < found.bias.high
    assert found.detectable == 0.02


def test_a_null_off_one_with_confidence_drifts() -> None:
    assert of(0.98, 0.981, 0.979, 0.98).drifts
    assert of(1.02, 1.021, 1.019, 1.02).drifts
    assert not of(0.9, 1.1, 0.92, 1.08).drifts  # off, and nothing that can be relied upon


def test_one_kept_change_that_is_none_is_enough() -> None:
    found = of(1.0, decision=Decision.KEEP)
    assert found.kept == 1
    assert found.drifts


def test_rounds_that_came_to_nothing_leave_no_figure() -> None:
    found = of(None, None, decision=Decision.INCONCLUSIVE)
    assert (found.bias, found.detectable, found.drifts) == (None, None, False)
    assert found.to_json()["bias"] is None


@pytest.mark.parametrize("kept", [0, 2])
def test_the_last_null_forbids_decisions_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    body = {**of(0.98, 0.98, 0.98).to_json(), "false_keeps": kept, "drifts": True}
    with Journal.open(tmp_path / "j") as journal:
        assert null.drifting(journal, "t/numpy/here") is None
        journal.note("t/numpy/here", "null", body)
        told = null.drifting(journal, "t/numpy/here")
        assert told is not None
        assert ("its mean ratio is 0.9800" if kept == 0 else "it kept 2 changes that were none") in told
        assert null.drifting(journal, "t/jax/here") is None

        class Tomorrow(datetime):
            @classmethod
            def now(cls, tz: object = None) -> "Tomorrow":
                return cls.fromtimestamp((datetime.now(UTC) + timedelta(hours=25)).timestamp(), UTC)

        with monkeypatch.context() as patch:
            patch.setattr(null, "datetime", Tomorrow)
            assert null.drifting(journal, "t/numpy/here") is None
        journal.note("t/numpy/here", "null", {**body, "drifts": False})
        assert null.drifting(journal, "t/numpy/here") is None
