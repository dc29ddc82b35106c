"""A comparison with peers: nothing is timed before all agree, and a row says what was measured."""

import ast
import dataclasses
import importlib
import json
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import bench.peers
import pytest
from bench.peers import _contest, _interleaved, _rows
from bench.peers.__main__ import comparisons
from bench.peers._contest import Comparison, Contest, Entrant
from bench.peers._interleaved import Call, Times

from lar import catalog
from lar.contracts import Case, Target

ROOT = Path(__file__).parents[2]
TARGET = catalog.target("take")
CASES = {case.name: case for case in TARGET.battery(0)}
CASE = CASES["random/1000x1/n17"]
NUMPY = catalog.backend("numpy")()
DISTRIBUTIONS = {"faiss": "faiss-cpu", "vortex": "vortex-data"}


@pytest.fixture(autouse=True)
def nothing_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of this machine take two seconds to measure."""
    monkeypatch.setattr(_rows, "limits_of", lambda backend: None)


def right(name: str, i: int, result: object) -> None:
    if isinstance(result, tuple):
        (result,) = result
    if result != i:
        raise ValueError(f"{result} instead of {i}")


def contest(wrong: str = "", *, goal: float | None = 2.0, case: Case = CASE) -> Contest:
    """Peers and kernels whose answer to input i is i; but for one of them, to input 1."""

    def answer(name: str) -> Call:
        return lambda i: 7 if (name, i) == (wrong, 1) else i

    kernels = {name: Entrant(answer(name), lambda out: (out,)) for name in ("numpy tuned", "numpy portable")}
    return Contest(
        case,
        {"slow": answer("slow"), "quick": answer("quick")},
        kernels,
        right,
        2,
        goal,
        beside={"idiom": answer("idiom")},
    )


def times(**cpu: tuple[float, ...]) -> dict[str, Times]:
    return {name.replace("_", " "): Times(of, tuple(2 * one for one in of)) for name, of in cpu.items()}


TIMES = times(
    slow=(400.0, 400.0, 400.0),
    quick=(200.0, 330.0, 210.0),
    idiom=(1.0, 1.0, 1.0),
    numpy_tuned=(100.0, 110.0, 70.0),
    numpy_portable=(1000.0, 660.0, 700.0),
)


def compared(
    contests: Callable[..., Iterator[Contest]], cases: Mapping[str, Case] | None = None, **more: Any
) -> Comparison:
    chosen = list((cases or {CASE.name: CASE}).values())
    return Comparison("take", ("numpy",), lambda target, scale: chosen, contests, **more)


def one_each(target: Target, case: Case, backends: object) -> Iterator[Contest]:
    yield contest(case=case)


@pytest.mark.parametrize("wrong", ["slow", "quick", "idiom", "numpy tuned", "numpy portable"])
def test_who_disagrees_is_named_and_nothing_is_timed(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_interleaved, "interleave", lambda calls, rounds: pytest.fail("timed"))
    with pytest.raises(ValueError, match=re.escape(f"{CASE.name}: {wrong} disagrees about input 1: 7 instead of 1")):
        list(compared(lambda *_: iter([contest(wrong)])).run("small", [NUMPY]))


def test_a_row_is_held_against_the_fastest_peer_round_by_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_interleaved, "interleave", lambda calls, rounds: {name: TIMES[name] for name in calls})
    monkeypatch.setattr(_rows, "limit_ns", lambda target, case, backend: 25.0)
    ((figures, (row,)),) = compared(one_each).run("standard", [NUMPY])
    assert {one.name for one in figures} == set(TIMES)
    assert (row.target, row.workload, row.backend, row.peer) == ("take", CASE.name, "numpy", "quick")
    assert (row.ours_ns, row.ours_wall_ns, row.peer_ns, row.peer_wall_ns) == (100.0, 200.0, 210.0, 420.0)
    assert row.ratio == 3.0  # the median of 2, 3 and 3; the medians of both would give 2.1
    assert row.low <= row.ratio <= row.high
    assert row.percent_of_limit == 25.0
    assert row.price_of_portability == pytest.approx(9.0)  # the median of 10, 6 and 10, less one
    assert (row.goal, row.met) == (2.0, True)
    assert _rows.said(row) == (
        f"numpy tuned: 3.00x quick [{row.low:.2f} .. {row.high:.2f}]; goal 2x: met; 25.0 % of limit; "
        "price of portability 900 %"
    )
    missed = dataclasses.replace(row, ratio=1.99)
    assert not missed.met
    assert "MISSED" in _rows.said(missed)


def test_what_did_not_take_part_has_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_interleaved, "interleave", lambda calls, rounds: {name: TIMES[name] for name in calls})
    alone = dataclasses.replace(contest(), entrants={"numpy tuned": contest().entrants["numpy tuned"]})
    ((_, (row,)),) = compared(lambda *_: iter([alone])).run("standard", [NUMPY])
    assert row.price_of_portability is None
    assert row.percent_of_limit is None
    ((_, rows),) = compared(one_each).run("standard", [])
    assert rows == []
    found = {one.name: one for one in _interleaved.figures("c", TIMES, "quick")}
    assert _rows.row(TARGET, CASE, "jax", 2.0, "quick", found, TIMES) is None


def test_a_goal_is_for_the_kernel_tuned_for_numpy() -> None:
    both = {**TIMES, "jax tuned": TIMES["numpy tuned"]}
    found = {one.name: one for one in _interleaved.figures("c", both, "quick")}
    goals = [_rows.row(TARGET, CASE, name, 2.0, "quick", found, both) for name in ("numpy", "jax")]
    assert [row.goal for row in goals if row] == [2.0, None]


@pytest.mark.parametrize(("scale", "goal", "rounds"), [("small", None, 9), ("standard", 2.0, 9), ("large", 2.0, 3)])
def test_goals_are_for_the_sizes_of_a_store(
    scale: str, goal: float | None, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def interleave(calls: Mapping[str, Call], count: int) -> dict[str, Times]:
        asked.append(count)
        return {name: TIMES[name] for name in calls}

    monkeypatch.setattr(_interleaved, "interleave", interleave)
    ((_, (row,)),) = compared(one_each, rounds=9).run(scale, [NUMPY])
    assert row.goal == goal
    assert row.met
    list(compared(one_each, rounds=9).run(scale, [NUMPY], rounds=2))
    assert asked == [rounds, 2]


def test_the_usual_cases_are_timed_unless_others_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_interleaved, "interleave", lambda calls, rounds: {name: TIMES[name] for name in calls})
    usual = compared(one_each, CASES, usual=("identical/",))

    def timed(*only: str) -> set[str]:
        return {row.workload for _, rows in usual.run("small", [NUMPY], only) for row in rows}

    assert timed() == {name for name in CASES if name.startswith("identical/")}
    assert timed("x128/n1", "ends/") == {name for name in CASES if "x128/n1" in name or "ends/" in name}
    with pytest.raises(SystemExit):
        usual.main(["--only", "nothing-is-called-so"])


def test_what_was_found_is_kept_when_a_later_contest_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_interleaved, "interleave", lambda calls, rounds: {name: TIMES[name] for name in calls})
    file = tmp_path / "found.json"
    with pytest.raises(ValueError, match="quick"):
        compared(lambda *_: iter([contest(), contest("quick")])).main(["--json", str(file)])
    (row,) = _rows.load(file)["rows"]
    assert (row.peer, row.goal) == ("quick", 2.0)
    assert {one["name"] for one in json.loads(file.read_text())["figures"]} == set(TIMES)
    assert "goal 2x: met" in capsys.readouterr().out


def test_kernels_are_really_timed_beside_their_peers() -> None:
    data = TARGET.data(CASE)
    queries = TARGET.queries(CASE, data, 1, 2)

    def contests(target: Target, case: Case, backends: list[Any]) -> Iterator[Contest]:
        kernel = _contest.entrant("take", "portable", backends[0], case, data, queries)

        def agree(name: str, i: int, result: Any) -> None:
            rows = result[0] if isinstance(result, tuple) else result
            if not (rows == data["values"][queries[i]]).all():
                raise ValueError("other rows")

        peers: dict[str, Call] = {"indexing": lambda i: data["values"][queries[i % 2]]}
        yield Contest(case, peers, {"numpy portable": kernel, "numpy tuned": kernel}, agree, 2)

    ((figures, (row,)),) = compared(contests).run("small", [NUMPY], rounds=1)
    assert all(one.cpu_ns > 0 and one.rounds == 1 for one in figures)
    assert row.price_of_portability is not None


def test_importing_the_comparisons_leaves_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for argv, set_here in ((["pytest"], False), (["-m"], True)):
        for name in ("JAX_PLATFORMS", "OMP_NUM_THREADS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(sys, "argv", argv)
        importlib.reload(bench.peers)
        assert ("JAX_PLATFORMS" in os.environ) == ("OMP_NUM_THREADS" in os.environ) == set_here


def test_every_comparison_is_of_a_target_and_its_libraries_are_in_the_extra() -> None:
    found = comparisons("bench.peers")
    assert found
    assert set(found) <= set(catalog.target_names())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = project["dependencies"] + project["optional-dependencies"]["peers"]
    installed = {re.split(r"[^A-Za-z0-9-]", one)[0] for one in listed} | {"lar", "bench"} | set(sys.stdlib_module_names)
    for file in (ROOT / "bench" / "peers").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in (one.partition(".")[0] for one in names):
                assert DISTRIBUTIONS.get(name, name) in installed, (
                    f"{file.name} imports {name}, not in the extra 'peers'"
                )
