"""The correctness phase: battery first, then secret inputs of every shape, each case with two different queries."""

from pathlib import Path

import pytest
from tests.workers import HONEST, launch, small_case, target, write_kernel

from lar import checking
from lar.contracts import Status
from lar.datasets import Datasets
from lar.supervisor import KernelFailedError, WorkerProcess


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAR_CACHE", str(tmp_path / "cache"))


def check(tmp_path: Path, source: str) -> checking.Checked:
    battery = [small_case(), small_case("duplicates")]
    with WorkerProcess(launch(write_kernel(tmp_path, source), tmp_path)) as worker:
        return checking.check(worker, Datasets(target()), battery, lambda *_: None)


def test_an_honest_kernel_passes_the_battery_and_its_secret_twin(tmp_path: Path) -> None:
    found = check(tmp_path, HONEST)
    assert found.cases == 3  # two of one shape, and one secret case of that shape
    assert 0 < found.max_abs_err < 1e-5
    assert found.first_result_ns > 0


def test_a_kernel_right_for_its_first_call_only_is_refused(tmp_path: Path) -> None:
    source = HONEST.replace("import numpy as np", "import numpy as np\nFIRST = []").replace(
        "    m, _, width", "    query = FIRST[0] if FIRST else query\n    FIRST.append(query)\n    m, _, width"
    )
    with pytest.raises(KernelFailedError) as caught:
        check(tmp_path, source)
    assert caught.value.status is Status.INCORRECT


def test_a_kernel_that_knows_the_pinned_rows_is_refused_on_rows_in_secret_order(tmp_path: Path) -> None:
    case = small_case()
    codes = target().data(case)["codes"]
    twin = target().data(small_case("duplicates"))["codes"]
    known = [codes.tobytes(), twin.tobytes()]
    source = f"KNOWN = {known!r}\n" + HONEST.replace(
        "    m, _, width",
        "    if state['codes'].tobytes() not in KNOWN:\n        state = {**state, 'codes': state['codes'][::-1]}\n"
        "    m, _, width",
    )
    with pytest.raises(KernelFailedError) as caught:
        check(tmp_path, source)
    assert caught.value.failure.case is not None
    assert caught.value.failure.case.endswith("/secret")
