"""Progress where nobody looks at a terminal: a line now and then, none for what is over soon."""

import pytest

from lar.progress import Progress


def test_what_is_over_soon_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("trial") as shown:
        shown.tell("screening, pair 1 of 8", 0, 1)
    assert capsys.readouterr().err == ""


def test_what_lasts_says_now_and_then_what_it_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("lar.progress.time.monotonic", lambda: now)
    with Progress("trial of axpy") as shown:
        for step in range(100):
            shown.tell(f"step {step}", step, 100)
            now += 1.0
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"lar: trial of axpy: step {step}" for step in (30, 60, 90)]
