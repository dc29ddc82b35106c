"""Outcomes of whole runs, on a small target that lives outside the house."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.workers import write_kernel

import lar.targets
from lar import bench, catalog
from lar.bench import Request
from lar.contracts import Outcome, Status
from lar.datasets import Datasets
from lar.errors import LarError

GUESTS = Path(__file__).parents[1] / "guests"
PORTABLE = (GUESTS / "axpy" / "portable.py").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("lar.figures.limits_of", lambda *_, **__: None)  # measuring the machine has its own tests
    before = list(lar.targets.__path__)
    catalog.mount([GUESTS])
    yield
    lar.targets.__path__[:] = before


def run(kernel: str = "portable", **words: object) -> Outcome:
    fields: dict[str, object] = {"scale": "small", "mode": "quick", "time_budget": 120.0, **words}
    request = Request("axpy", "numpy", "numpy", kernel=kernel, **fields)  # type: ignore[arg-type]  # words by name
    bench.validate(request)
    return bench.measure(request, Datasets(catalog.target("axpy")))


def changed(tmp_path: Path, line: str) -> str:
    """Return the path of the portable kernel with its last line replaced."""
    source = PORTABLE.replace('    return (query * 2 + state["b"],)', line)
    assert source != PORTABLE
    return str(write_kernel(tmp_path, source))


def test_a_right_kernel_is_checked_timed_and_described() -> None:
    told: list[str] = []
    request = Request("axpy", "numpy", "numpy", kernel="portable", scale="small", mode="quick")
    one = bench.measure(request, Datasets(catalog.target("axpy")), lambda what, _done, _of: told.append(what))
    assert (one.status, one.correctness, one.failure) == (Status.OK, "pass", None)
    assert one.geomean_ns is not None
    assert one.ci90_ns is not None
    assert one.ci90_ns[0] <= one.geomean_ns <= one.ci90_ns[1]
    assert [w.name for w in one.workloads] == ["normal/2000", "uniform/2000"]
    assert all(w.samples + w.discarded >= 6 and w.calls > w.samples and w.ns > 0 for w in one.workloads)
    assert all(w.cpu_ns is not None and w.cpu_ns < 1.2 * w.ns for w in one.workloads)
    assert one.worst is not None
    assert one.worst.ns == max(w.ns for w in one.workloads)
    assert one.distributions_tested == ("normal", "uniform")
    assert one.cases_tested == 5  # three of the battery, and one secret case for each of its two shapes
    assert one.peak_rss_bytes is not None
    assert one.peak_rss_bytes > 10 << 20
    assert one.isolation["memory"] == "sealed"
    assert "numpy" in one.libraries
    assert {"checking", "preparing", "timing, process 2 of 2"} <= set(told)


def test_a_kernel_that_is_wrong_everywhere_is_refused_on_the_first_case(tmp_path: Path) -> None:
    one = run(changed(tmp_path, '    return (query * 2 - state["b"],)'))
    assert (one.status, one.correctness, one.geomean_ns, one.workloads) == (Status.INCORRECT, "fail", None, ())
    assert one.failure is not None
    assert (one.failure.kind, one.failure.case) == ("value", "normal/1")


def test_a_kernel_right_only_at_the_sizes_of_the_battery_is_refused_on_the_clock(tmp_path: Path) -> None:
    one = run(changed(tmp_path, '    return (query * 2 + state["b"] * (query.shape[0] < 2_000),)'))
    assert one.status is Status.INCORRECT
    assert one.failure is not None
    assert one.failure.case == "normal/2000"
    assert one.cases_tested == 5


def test_a_kernel_that_remembers_its_pinned_answers_is_refused_on_secret_inputs(tmp_path: Path) -> None:
    known = [
        query.tobytes()
        for case in catalog.target("axpy").battery(0)
        for query in catalog.target("axpy").queries(case, {}, case.seed, 2)
    ]
    source = f"KNOWN = {known!r}\n" + PORTABLE.replace(
        "    return (query", "    if query.tobytes() not in KNOWN: query = query * 0\n    return (query"
    )
    one = run(str(write_kernel(tmp_path, source)))
    assert one.status is Status.INCORRECT
    assert one.failure is not None
    assert str(one.failure.case).endswith("/secret")


def test_a_kernel_that_is_wrong_once_in_three_hundred_timed_calls_is_refused(tmp_path: Path) -> None:
    source = "CALLS = [0]\n" + PORTABLE.replace(
        "    return (query",
        "    CALLS[0] += 1\n    if CALLS[0] % 300 == 299: query = query * 1.001\n    return (query",
    )
    one = run(str(write_kernel(tmp_path, source)))
    assert (one.status, one.correctness) == (Status.INCORRECT, "fail")


def test_a_crash_after_the_battery_keeps_what_was_proved(tmp_path: Path) -> None:
    one = run(
        changed(
            tmp_path,
            '    if query.shape[0] == 2_000: raise RuntimeError("too big")\n    return (query * 2 + state["b"],)',
        )
    )
    assert (one.status, one.correctness, one.cases_tested) == (Status.CRASH, "pass", 5)


def test_the_time_budget_ends_a_run(tmp_path: Path) -> None:
    one = run(
        changed(tmp_path, '    import time; time.sleep(60)\n    return (query * 2 + state["b"],)'), time_budget=3.0
    )
    assert (one.status, one.failure and one.failure.kind) == (Status.TIMEOUT, "budget")


def test_an_unavailable_device_is_an_outcome() -> None:
    one = run(device="cuda:7")
    assert (one.status, one.correctness) == (Status.UNAVAILABLE, "not run")
    assert one.failure is not None
    assert "cuda:7" in one.failure.message


def test_faster_than_physics_is_a_cheat(monkeypatch: pytest.MonkeyPatch) -> None:
    from lar.ceilings import Ceilings

    slow = Ceilings("snail", 1, ((1, 1.0),), ((1, 1.0),), {"f32": 1.0, "u8": 1.0})
    monkeypatch.setattr("lar.figures.limits_of", lambda *_, **__: slow)
    one = run()
    assert (one.status, one.correctness, one.failure and one.failure.kind) == (Status.CHEAT, "fail", "forged")


def test_the_workload_hash_follows_what_is_timed_and_nothing_else() -> None:
    datasets = Datasets(catalog.target("axpy"))
    base = Request("axpy", "numpy", "numpy")
    same = dataclasses.replace(base, kernel="portable", mode="baseline", backend="jax", threads=2)
    assert bench.workload_hash(base, datasets) == bench.workload_hash(same, datasets)
    for other in (dataclasses.replace(base, scale="small"), dataclasses.replace(base, seed=1)):
        assert bench.workload_hash(base, datasets) != bench.workload_hash(other, datasets)


@pytest.mark.parametrize(
    ("word", "value"),
    [("scale", "huge"), ("mode", "hasty"), ("nq", (0,)), ("nq", ()), ("threads", 0), ("time_budget", 0.0)],
)
def test_a_wrong_word_is_named_with_what_was_expected(word: str, value: object) -> None:
    with pytest.raises(LarError, match=r"--[a-z-]+ .*expect"):
        run(**{word: value})  # type: ignore[arg-type]  # words by name
