"""What `posting-seek` promises beyond the conformance suite: lists by hand, refusals with the place, inputs."""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, oracle
from lar.contracts import NO_ID, Case, Data
from lar.errors import BadInputError
from lar.targets import posting_seek  # type: ignore[attr-defined]  # the folder is the registry

Host = npt.NDArray[Any]
TARGET = catalog.target("posting-seek")
KERNELS = ("portable", "tuned")
ids_in = posting_seek.ids_in


def case_of(n: int, seeks: int, distribution: str = "anywhere") -> Case:
    blocks = max(1, -(-n // 128))
    sizes = {"B": blocks, "S": seeks}
    return Case("by hand", distribution, sizes, 0, {"n": n}, seeks, f"by hand/b{blocks}/n{n}")


def packed(ids: list[int]) -> Data:
    """Return a list as it is packed, by arithmetic on one large integer a block."""
    words: list[int] = []
    first: list[int] = []
    width: list[int] = []
    start: list[int] = []
    for begin in range(0, max(len(ids), 1), 128):
        block = ids[begin : begin + 128] or [9]
        gaps = [0, *(b - a for a, b in itertools.pairwise(block))]
        bits = max(gaps).bit_length()
        stream = sum(gap << (lane * bits) for lane, gap in enumerate(gaps))
        first, width, start = [*first, block[0]], [*width, bits], [*start, len(words)]
        words += [stream >> (32 * i) & 0xFFFFFFFF for i in range(4 * bits)]
    kinds = {"words": np.uint32, "first": np.uint32, "width": np.int32, "start": np.int32}
    parts = {"words": [*words, 0xCDCDCDCD, 0xCDCDCDCD], "first": first, "width": width, "start": start}
    return {name: np.array(parts[name], kind) for name, kind in kinds.items()}


def seek(kernel: str, ids: list[int], targets: list[int]) -> tuple[Host, Host]:
    module = catalog.load_kernel("posting-seek", catalog.kernel_path("posting-seek", kernel, "numpy"))
    state = module.prepare(np, packed(ids), n=len(ids))
    out: tuple[Host, Host] = module.run(np, state, np.array(targets, np.uint32), n=len(ids))
    return out


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("ids", "targets", "expected"),
    [
        ([3, 5, 9], [0, 3, 4, 5, 6, 9, 10, 2**32 - 1], [3, 3, 5, 5, 9, 9, None, None]),
        ([2**32 - 1], [0, 2**32 - 1], [2**32 - 1, 2**32 - 1]),
        ([0, 2**32 - 1], [0, 1, 2**31], [0, 2**32 - 1, 2**32 - 1]),
        ([], [0, 7, 2**32 - 1], [None, None, None]),
        ([*range(10, 138), 1_000], [137, 138, 1_000, 1_001], [137, 1_000, 1_000, None]),
        (list(range(0, 512, 2)), [253, 254, 255, 256, 257], [254, 254, 256, 256, 258]),
    ],
)
def test_seeks_by_hand(kernel: str, ids: list[int], targets: list[int], expected: list[int | None]) -> None:
    found, there = seek(kernel, ids, targets)
    assert found.tolist() == [NO_ID if one is None else one for one in expected]
    assert there.tolist() == [one is not None for one in expected]
    case, query = case_of(len(ids), len(targets)), np.array(targets, np.uint32)
    TARGET.check(case, packed(ids))
    for truth in (TARGET.reference(case, packed(ids), query), TARGET.audit(case, packed(ids), [query])):
        shape = truth.values[0].shape  # type: ignore[union-attr]  # the truth of integers is `Exact`
        outputs = (found.reshape(shape), there.reshape(shape))
        specs = TARGET.outputs(case) if len(shape) == 1 else oracle.stacked(TARGET.outputs(case), 1)
        assert oracle.judge(truth, specs, outputs).passed


def test_the_encoder_packs_as_it_is_written_down() -> None:
    for distribution, n in (("edges", 300), ("bursts", 700), ("high", 129), ("dense", 128), ("empty", 0)):
        case = case_of(n, 5, distribution)
        data = TARGET.data(case)
        TARGET.check(case, data)
        ids = ids_in(case, data).astype(np.int64).tolist()
        by_hand = packed(ids)
        for name in ("width", "start") if n else ():
            np.testing.assert_array_equal(data[name], by_hand[name])
        whole = 4 * int(by_hand["width"][: n // 128].sum())
        np.testing.assert_array_equal(data["words"][:whole], by_hand["words"][:whole])


# ---- refusals ------------------------------------------------------------------------------------------------------


def broken(name: str, place: int, value: int) -> tuple[Case, Data]:
    """Return a list of 300 ids in which one number is another."""
    data = dict(packed(list(range(5, 905, 3))))
    data[name] = data[name].copy()
    data[name][place] = value
    return case_of(300, 4), data


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("width", 1, 33, r"by hand: width\[1\] is 33, expected 0 to 32 bits"),
        ("width", 2, -1, r"width\[2\] is -1, expected 0 to 32 bits"),
        ("start", 1, 0, r"start\[1\] is 0, expected 8: behind the block before it"),
        ("start", 2, 9, r"start\[2\] is 9, expected 16: behind the block before it"),
        ("start", 0, -8, r"start\[0\] is -8, expected 0"),
        ("width", 2, 3, r"words is uint32\[26\], expected uint32\[30\]"),
        ("first", 1, 386, r"ids\[128\] is 386 after 386, expected more, and below 2\*\*32"),
        ("first", 0, 2**32 - 50, r"ids\[17\] is 4294967297 after 4294967294, expected more, and below 2\*\*32"),
        ("words", 0, 0, r"ids\[1\] is 5 after 5, expected more"),
    ],
)
def test_a_list_that_breaks_the_contract_is_refused(name: str, place: int, value: int, message: str) -> None:
    case, data = broken(name, place, value)
    with pytest.raises(BadInputError, match=message):
        TARGET.check(case, data)


@pytest.mark.parametrize("name", ["words", "first", "width", "start"])
def test_other_dtypes_and_shapes_are_refused(name: str) -> None:
    data = packed(list(range(300)))
    for wrong in (data[name].astype(np.int64), data[name][None], data[name][:-1]):
        with pytest.raises(BadInputError, match=rf"by hand: {name} is .*, expected"):
            TARGET.check(case_of(300, 4), {**data, name: wrong})
    with pytest.raises(BadInputError, match=r"by hand: B is 3, expected 4 blocks of 400 ids"):
        TARGET.check(Case("by hand", "edges", {"B": 3, "S": 1}, 0, {"n": 400}, 1, "by hand/b3"), data)


# ---- inputs --------------------------------------------------------------------------------------------------------


def distances(pattern: str, blocks: int) -> Host:
    """Return by how many blocks the targets of a call go forward, modulo the list."""
    case = case_of(128 * blocks, 1_000, pattern)
    data = TARGET.data(case)
    (targets,) = TARGET.queries(case, data, 3, 1)
    block = np.searchsorted(data["first"], targets, side="right") - 1
    out: Host = np.diff(block) % blocks
    return out


@pytest.mark.parametrize(
    ("pattern", "blocks", "step"), [("sequential", 50, 1), ("shallow", 200, 16), ("deep", 200, 20)]
)
def test_a_pattern_seeks_as_far_as_it_says(pattern: str, blocks: int, step: int) -> None:
    far = distances(pattern, blocks)
    assert 0.9 * step < far.mean() < 1.1 * step
    assert far.max() <= 1.5 * step + 1


def test_edges_meet_every_block_and_the_ends_of_uint32() -> None:
    case = case_of(500, 2_000, "edges")
    data = TARGET.data(case)
    ids = ids_in(case, data).astype(np.int64)
    asked = set(np.stack(TARGET.queries(case, data, 3, 2)).reshape(-1).tolist())
    for end in (*ids[::128].tolist(), *ids[127::128].tolist(), int(ids[-1])):
        assert {end - 1, end, end + 1} <= asked
    assert {0, 2**31, 2**32 - 1} <= asked


def test_before_and_past_lie_outside_the_list() -> None:
    for distribution, there in (("before", True), ("past", False)):
        case = case_of(500, 50, distribution)
        data = TARGET.data(case)
        (query,) = TARGET.queries(case, data, 3, 1)
        ids, found = TARGET.reference(case, data, query).values  # type: ignore[union-attr]  # it is `Exact`
        assert (found == there).all()
        assert (ids == (data["first"][0] if there else NO_ID)).all()


def test_a_disguise_moves_ids_and_reorders_gaps() -> None:
    case = case_of(1_000, 4, "edges")
    data = TARGET.data(case)
    hidden = TARGET.disguise(case, data, 9)
    TARGET.check(case, hidden)
    old, new = (np.diff(ids_in(case, one).astype(np.int64)) for one in (data, hidden))
    assert (old != new).mean() > 0.5
    assert (hidden["first"] != data["first"]).all()


@pytest.mark.parametrize("pattern", posting_seek.inputs.PATTERNS)
def test_the_cost_counts_no_answer_that_a_draw_may_leave_out(pattern: str) -> None:
    for case in TARGET.workloads(0, "small", (1,)):
        if case.distribution == pattern:
            data, seeks = TARGET.data(case), case.shape["S"]
            counted = (TARGET.cost(case).bytes - 9 * seeks) / 4
            for query in TARGET.queries(case, data, 4, 3):
                ids, _ = TARGET.reference(case, data, query).values  # type: ignore[union-attr]  # it is `Exact`
                assert 0 < counted <= len(np.unique(ids))
