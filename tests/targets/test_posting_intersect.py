"""What `posting-intersect` promises beyond the conformance suite: answers by hand, and what is refused, where."""

from typing import Any

import numpy as np
import pytest

from lar import catalog, oracle
from lar.contracts import NO_ID, Case, Exact
from lar.errors import BadInputError

TARGET = catalog.target("posting-intersect")
LISTS: list[list[int]] = [[1, 3, 5, 7, NO_ID], [3, 4, 5, 6, 7, 8, NO_ID], [0, 5], [], [3, 5, 7, NO_ID - 1]]


def _case(lists: int, capacity: int, K: int = 2, shortest: int = 5, longest: int = 7) -> Case:
    statics = {"capacity": capacity, "shortest": shortest, "longest": longest}
    sizes = {"K": K, "lists": lists, "universe": 2**32, "nq": 1} | statics
    return Case("by hand", "balanced", sizes, 0, statics, 1, "by hand/k")


def _data(lists: list[list[int]]) -> dict[str, Any]:
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int32)
    return {"ids": np.array([value for one in lists for value in one], np.uint32), "offsets": offsets}


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([0, 1], [3, 5, 7, NO_ID]),
        ([1, 0], [3, 5, 7, NO_ID]),
        ([0, 4], [3, 5, 7]),
        ([0, 2], [5]),
        ([2, 2], [0, 5]),
        ([0, 3], []),
        ([3, 3], []),
        ([1], LISTS[1]),
        ([4, 1, 0], [3, 5, 7]),
        ([0, 1, 2, 4, 0], [5]),
    ],
)
@pytest.mark.parametrize("capacity", [1, 3, 9])
@pytest.mark.parametrize("kernel", ["reference", "audit", "portable", "tuned"])
def test_answers_by_hand(numbers: list[int], expected: list[int], capacity: int, kernel: str) -> None:
    """The largest id is told from padding by the count; a count above the capacity tells of the overflow."""
    case, data = _case(len(LISTS), capacity, len(numbers), shortest=7), _data(LISTS)
    query = np.array([numbers], np.int32)
    if kernel in {"reference", "audit"}:
        truth = TARGET.reference(case, data, query) if kernel == "reference" else TARGET.audit(case, data, [query])
        assert isinstance(truth, Exact)
        ids, counts = (value.reshape(1, -1)[0] for value in truth.values)
    else:
        module = catalog.load_kernel(TARGET.name, catalog.kernel_path(TARGET.name, kernel, "numpy"))
        state = module.prepare(np, data, **case.statics)
        outputs = module.run(np, state, query, **case.statics)
        assert oracle.judge(TARGET.reference(case, data, query), TARGET.outputs(case), outputs).passed
        ids, counts = (value.reshape(1, -1)[0] for value in outputs)
    assert list(counts) == [len(expected)]
    assert list(ids) == (expected + [NO_ID] * capacity)[:capacity]


def _changed(**arrays: Any) -> dict[str, Any]:
    return _data(LISTS) | arrays


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (_data([*LISTS[:4], [3, 7, 5]]), r"in list 4, ids\[16\] is 5 after 7, expected ascending ids"),
        (_data([[1, 3, 3], *LISTS[1:]]), r"in list 0, ids\[2\] is 3 after 3, expected ascending ids without repeats"),
        (_data([LISTS[0], [], [NO_ID, 2**31], [], []]), r"in list 2, ids\[6\] is 2147483648 after 4294967295"),
        (
            _changed(offsets=np.array([0, 5, 12, 14, 13, 18], np.int32)),
            r"offsets\[4\] is 13 after 14, expected offsets",
        ),
        (_changed(offsets=np.array([0, -1, 12, 14, 14, 18], np.int32)), r"offsets\[1\] is -1 after 0"),
        (_changed(offsets=np.array([1, 5, 12, 14, 14, 18], np.int32)), "from 1 to 18, expected from 0 to 18"),
        (_changed(offsets=np.array([0, 5, 12, 14, 14, 17], np.int32)), "from 0 to 17, expected from 0 to 18"),
        (_changed(offsets=np.zeros(6, np.int64)), r"offsets is int64\[6\], expected int32\[6\]"),
        (_changed(offsets=np.zeros(5, np.int32)), r"offsets is int32\[5\], expected int32\[6\]"),
        (_changed(ids=np.zeros(18, np.int32)), r"ids is int32\[18\], expected uint32\[ids\]"),
        (_changed(ids=np.zeros((18, 1), np.uint32)), r"ids is uint32\[18, 1\], expected uint32\[ids\]"),
        (_data([list(range(8)), *LISTS[1:]]), "list 0 has 8 ids, expected at most longest = 7"),
        (_data([list(range(6))] * 5), "the shortest list has 6 ids, expected one of at most shortest = 5"),
    ],
)
def test_data_that_breaks_the_contract_is_refused_with_the_place(data: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        TARGET.check(_case(5, 4), data)


def test_data_within_the_contract_is_not_refused() -> None:
    """Lists may begin below where the one before ends, be empty, and hold both ends of uint32."""
    TARGET.check(_case(5, 4), _data(LISTS))
    TARGET.check(_case(3, 4), _data([[], [], []]))
    TARGET.check(_case(3, 4), _data([[NO_ID], [0], [0, NO_ID]]))


def test_every_kind_of_answer_occurs_in_the_battery() -> None:
    """Nothing, some, everything, more than there is room for, and the largest id."""
    seen = set()
    for case in TARGET.battery(0):
        data = TARGET.data(case)
        for query in TARGET.queries(case, data, case.seed, 2):
            truth = TARGET.reference(case, data, query)
            assert isinstance(truth, Exact)
            ids, counts = truth.values
            lengths = np.diff(data["offsets"])[query].min(axis=1)
            seen |= {"nothing"} if np.any((counts == 0) & (lengths > 0)) else set()
            seen |= {"some"} if np.any((counts > 0) & (counts < lengths)) else set()
            seen |= {"everything"} if np.any((counts == lengths) & (counts > 1)) else set()
            seen |= {"overflow"} if np.any(counts > ids.shape[1]) else set()
            last = np.take_along_axis(ids, np.clip(counts[:, None] - 1, 0, ids.shape[1] - 1), axis=1)[:, 0]
            seen |= {"largest"} if np.any((last == NO_ID) & (counts > 0) & (counts < ids.shape[1])) else set()
    assert seen == {"nothing", "some", "everything", "overflow", "largest"}


@pytest.mark.parametrize("scale", ["small", "standard"])
def test_a_timed_query_of_the_skewed_store_names_one_short_list(scale: str) -> None:
    for case in TARGET.workloads(0, scale, (32,)):
        if case.distribution == "skewed":
            lengths = np.where(np.arange(case.shape["lists"]) < case.shape["lists"] // 2, 1, 100)
            (query,) = TARGET.queries(case, {}, 7, 1)
            assert np.all(np.sum(lengths[query] == 1, axis=1) == 1)
            assert len({int(place) for place in np.argmin(lengths[query], axis=1)}) == case.shape["K"]
