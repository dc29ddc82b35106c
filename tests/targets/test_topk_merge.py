"""What `topk-merge` promises beyond the conformance suite: merges by hand, refusals, inputs, the least cost."""

import heapq
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, oracle
from lar.contracts import NO_ID, Case, Exact
from lar.errors import BadInputError

Host = npt.NDArray[Any]
TARGET = catalog.target("topk-merge")
INF, TINY = np.inf, 1.5e-45
KERNELS = ("portable", "tuned")


def case_of(distribution: str, R: int, L: int, k: int, nq: int = 1) -> Case:
    sizes = {"R": R, "L": L, "k": k, "nq": nq}
    return Case(f"{distribution}/test", distribution, sizes, 3, {"k": k}, nq, f"{distribution}/{R}x{L}")


def kernel_of(name: str) -> Any:
    return catalog.load_kernel(TARGET.name, catalog.kernel_path(TARGET.name, name, "numpy"))


# ---- by hand -------------------------------------------------------------------------------------------------------

BY_HAND: dict[str, Any] = {
    "plain": ([[3, 1], [2, 0]], [[7, 8], [5, 6]], 3, [3, 2, 1], [7, 5, 8]),
    "all of it": ([[3, 1], [2, 0]], [[7, 8], [5, 6]], 4, [3, 2, 1, 0], [7, 5, 8, 6]),
    "padding": ([[3], [4]], [[7], [0]], 4, [4, 3, -INF, -INF], [0, 7, NO_ID, NO_ID]),
    "ties by id": ([[1, 1, 0], [1, 1, 1]], [[2, 9, 1], [0, 3, 5]], 4, [1, 1, 1, 1], [0, 2, 3, 5]),
    "ties at rank k": ([[1, 1], [1, 1]], [[8, 9], [1, 2]], 1, [1], [1]),
    "ids above 2**31 are large": ([[1], [1]], [[2**31], [5]], 2, [1, 1], [5, 2**31]),
    "the highest id is an id": ([[1], [2]], [[NO_ID], [0]], 2, [2, 1], [0, NO_ID]),
    "-inf is a score": ([[-INF], [-INF]], [[NO_ID], [4]], 3, [-INF, -INF, -INF], [4, NO_ID, NO_ID]),
    "+inf is a score": ([[INF, 1], [INF, INF]], [[2, 3], [1, 4]], 3, [INF, INF, INF], [1, 2, 4]),
    "zeros are equal": ([[-0.0, 0.0], [0.0, -0.0]], [[2, 3], [1, 4]], 4, [0.0, -0.0, 0.0, -0.0], [1, 2, 3, 4]),
    "subnormals are not": ([[0.0, -TINY], [TINY, -0.0]], [[1, 2], [3, 0]], 4, [TINY, -0.0, 0.0, -TINY], [3, 0, 1, 2]),
    "negative": ([[-1, -3], [-2, -4]], [[0, 1], [2, 3]], 3, [-1, -2, -3], [0, 2, 1]),
}


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("kernel", ["reference", *KERNELS])
def test_merges_by_hand(name: str, kernel: str) -> None:
    scores, ids, k, best, best_ids = BY_HAND[name]
    query = {"scores": np.array([scores], np.float32), "ids": np.array([ids], np.uint32)}
    case = case_of(name, len(scores), len(scores[0]), k)
    if kernel == "reference":
        outputs: Any = TARGET.reference(case, {}, query).values  # type: ignore[union-attr]
    else:
        outputs = kernel_of(kernel).run(np, kernel_of(kernel).prepare(np, {}, k=k), query, k=k)
    expected = Exact((np.array([best], np.float32), np.array([best_ids], np.uint32)))
    verdict = oracle.judge(expected, TARGET.outputs(case), outputs)
    assert verdict.passed, verdict.failure


# ---- refusals ------------------------------------------------------------------------------------------------------

TIES = case_of("ties", 4, 16, 16)


def pool(name: str, place: Any, value: Any) -> dict[str, Host]:
    """Return a pool of 8 runs of 20 with one entry overwritten."""
    data = {key: array.copy() for key, array in TARGET.data(TIES).items()}
    data[name][place] = value
    return data


def swapped(run: int) -> dict[str, Host]:
    """Return the same with two neighbouring ids of equal scores exchanged."""
    data = pool("ids", (run, 0), TARGET.data(TIES)["ids"][run, 0])
    place = int(np.flatnonzero(data["scores"][run, 1:] == data["scores"][run, :-1])[0])
    data["ids"][run, [place, place + 1]] = data["ids"][run, [place + 1, place]]
    return data


def cast(name: str, dtype: Any) -> dict[str, Host]:
    return {**TARGET.data(TIES), name: TARGET.data(TIES)[name].astype(dtype)}


def cut(name: str) -> dict[str, Host]:
    return {**TARGET.data(TIES), name: TARGET.data(TIES)[name][:, 1:]}


REFUSED = {
    "NaN": (pool("scores", (3, 7), np.nan), r"scores\[3, 7\] is nan, expected a number"),
    "NaN at the end": (pool("scores", (7, 19), np.nan), r"scores\[7, 19\] is nan, expected a number"),
    "not sorted": (
        pool("scores", (2, 5), 9.0),
        r"scores\[2, 5\] is 9.0 after -?[0-9.]+, expected a run sorted by desc",
    ),
    "infinity last": (pool("scores", (1, 19), np.inf), r"scores\[1, 19\] is inf after -1.0, expected a run sorted"),
    "ids not in order": (swapped(6), r"ids\[6, \d+\] is \d+ after \d+ at equal scores, expected ascending ids"),
    "an id twice": (
        pool("ids", ([5, 2], 0), 0),
        r"ids\[5, 0\] is 0, which is also ids\[2, 0\]",
    ),
    "wide scores": (cast("scores", np.float64), r"scores is float64\[8, 20\], expected float32\[8, 20\]"),
    "signed ids": (cast("ids", np.int32), r"ids is int32\[8, 20\], expected uint32\[8, 20\]"),
    "a score missing": (cut("scores"), r"scores is float32\[8, 19\], expected float32\[8, 20\]"),
    "an id missing": (cut("ids"), r"ids is uint32\[8, 19\], expected uint32\[8, 20\]"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_pool_that_breaks_the_contract_is_refused_in_one_line(name: str) -> None:
    data, message = REFUSED[name]
    with pytest.raises(BadInputError, match=message) as refusal:
        TARGET.check(TIES, data)
    assert str(refusal.value).startswith("ties/test: ")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("scores", [[0.0, -0.0, 0.0, -0.0], [INF, INF, -INF, -INF], [TINY, 0.0, -0.0, -TINY]])
def test_equal_zeros_and_infinities_are_in_order(scores: list[float]) -> None:
    data = {"scores": np.array([scores], np.float32), "ids": np.array([[3, 5, 6, NO_ID]], np.uint32)}
    TARGET.check(case_of("ends", 1, 4, 4), data)
    data["ids"][0, :] = data["ids"][0, ::-1].copy()
    with pytest.raises(BadInputError, match="expected ascending ids"):
        TARGET.check(case_of("ends", 1, 4, 4), data)


# ---- inputs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", TARGET.battery(1), ids=lambda case: case.name)
def test_every_merge_has_sorted_runs_of_the_pool_and_distinct_ids(case: Case) -> None:
    data = TARGET.data(case)
    for query in TARGET.queries(case, data, 4, 2):
        scores, ids = query["scores"], query["ids"]
        assert scores.shape == ids.shape == tuple(case.shape[name] for name in ("nq", "R", "L"))
        better, equal = scores[..., 1:] < scores[..., :-1], scores[..., 1:] == scores[..., :-1]
        assert np.all(better | (equal & (ids[..., 1:] > ids[..., :-1])))
        for one, named in zip(scores.reshape(len(ids), -1), ids.reshape(len(ids), -1), strict=True):
            assert len(np.unique(named)) == named.size
            assert np.isin(named, data["ids"]).all()
            assert np.isin(one, data["scores"]).all()


def test_no_two_merges_are_of_the_same_runs() -> None:
    case = case_of("random", 8, 100, 100, nq=32)
    found = [query["ids"][i].tobytes() for query in TARGET.queries(case, TARGET.data(case), 9, 20) for i in range(32)]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(("distribution", "sign"), [("sorted", -1), ("ascending", 1)])
def test_runs_of_disjoint_ranges_come_best_first_or_last(distribution: str, sign: int) -> None:
    case = case_of(distribution, 16, 10, 10)
    scores = TARGET.queries(case, TARGET.data(case), 4, 1)[0]["scores"][0]
    heads = scores[:, 0]
    assert np.all(sign * np.diff(heads) > 0)
    assert np.all(np.sort(scores.reshape(-1))[::-1][:10] == scores[np.argmax(heads)])


def test_a_disguise_deals_the_same_ids_out_anew() -> None:
    case = case_of("ties", 8, 50, 50)
    data = TARGET.data(case)
    hidden = TARGET.disguise(case, data, 77)
    assert np.array_equal(hidden["scores"], data["scores"])
    assert np.array_equal(np.sort(hidden["ids"], axis=None), np.sort(data["ids"], axis=None))
    assert np.mean(hidden["ids"] == data["ids"]) < 0.1


# ---- the cost ------------------------------------------------------------------------------------------------------


def reads_of_a_lazy_merge(scores: Host, ids: Host, k: int) -> int:
    """Count the scores that a heap of first items reads until it has returned the k best."""
    R, L = scores.shape
    heap = [(-float(scores[r, 0]), int(ids[r, 0]), r, 0) for r in range(R)]
    heapq.heapify(heap)
    reads: int = R
    found = min(k, R * L)
    for rank in range(found):
        _, _, r, place = heapq.heappop(heap)
        if place + 1 < L and rank + 1 < found:
            reads += 1
            heapq.heappush(heap, (-float(scores[r, place + 1]), int(ids[r, place + 1]), r, place + 1))
    return reads


@pytest.mark.parametrize("distribution", ["random", "sorted", "interleaved"])
@pytest.mark.parametrize(("R", "L", "k"), [(8, 20, 20), (8, 20, 7), (5, 3, 15), (5, 3, 11), (40, 6, 2), (3, 2, 9)])
def test_no_merge_reads_fewer_scores_than_the_cost_says(distribution: str, R: int, L: int, k: int) -> None:
    case = case_of(distribution, R, L, k)
    query = TARGET.queries(case, TARGET.data(case), 4, 1)[0]
    reads, found = reads_of_a_lazy_merge(query["scores"][0], query["ids"][0], k), min(k, R * L)
    cost = TARGET.cost(case)
    assert cost.operations == {"u8": (cost.bytes - 4 * found - 8 * k) // 4}
    assert cost.operations["u8"] <= reads
    if distribution == "sorted":  # one run after the other: none of them is read in vain
        assert cost.operations["u8"] == reads
