"""What `take` promises beyond the conformance suite: rows by hand, refusals that name the place, what ids look like."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, oracle
from lar.contracts import Case
from lar.errors import BadInputError
from lar.targets import take  # type: ignore[attr-defined]  # the folder is the registry

Host = npt.NDArray[Any]
TARGET = catalog.target("take")


def _case(N: int, width: int, n: int, distribution: str = "random") -> Case:
    sizes = {"N": N, "W": width, "n": n}
    return Case("by hand", distribution, sizes, 0, {}, n, f"by hand/{N}x{width}")


@pytest.mark.parametrize("kernel", ["portable", "tuned"])
def test_rows_by_hand(kernel: str) -> None:
    case, query = _case(4, 2, 5), np.array([3, 0, 0, 2, 3], np.uint32)
    values = np.array([[1, 2], [3, 4], [5, 6], [-(2**31), 2**31 - 1]], np.int32)
    module = catalog.load_kernel("take", catalog.kernel_path("take", kernel, "numpy"))
    outputs = module.run(np, module.prepare(np, {"values": values}), query)
    expected = [[-(2**31), 2**31 - 1], [1, 2], [1, 2], [5, 6], [-(2**31), 2**31 - 1]]
    np.testing.assert_array_equal(outputs[0], expected)
    assert oracle.judge(TARGET.reference(case, {"values": values}, query), TARGET.outputs(case), outputs).passed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 2)), r"by hand: values is float64\[4, 2\], expected int32\[4, 2\]"),
        (np.zeros((4, 2), np.uint32), r"values is uint32\[4, 2\], expected int32\[4, 2\]"),
        (np.zeros((5, 2), np.int32), r"values is int32\[5, 2\], expected int32\[4, 2\]"),
        (np.zeros(8, np.int32), r"values is int32\[8\], expected int32\[4, 2\]"),
    ],
)
def test_a_table_that_breaks_the_contract_is_refused(values: Host, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        TARGET.check(_case(4, 2, 3), {"values": values})


def test_a_table_with_more_rows_than_an_int32_counts_is_refused() -> None:
    rows = np.broadcast_to(np.zeros((1, 1), np.int32), (2**31, 1))
    with pytest.raises(BadInputError, match=r"values has 2147483648 rows, expected fewer than 2\*\*31"):
        TARGET.check(_case(2**31, 1, 3), {"values": rows})
    TARGET.check(_case(2**31 - 1, 1, 3), {"values": rows[1:]})


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([0, 4, 9], r"by hand: ids\[1\] is 4, expected a row below N = 4"),
        ([0, 1, 2**32 - 1], r"ids\[2\] is 4294967295, expected a row below N = 4"),
    ],
)
def test_an_id_that_is_no_rows_is_refused_with_its_place(ids: list[int], message: str) -> None:
    case, query = _case(4, 1, 3), np.array(ids, np.uint32)
    data = {"values": np.zeros((4, 1), np.int32)}
    for refuses in (
        lambda: take.check_ids(case, query),
        lambda: TARGET.reference(case, data, query),
        lambda: TARGET.audit(case, data, [np.zeros(3, np.uint32), query]),
    ):
        with pytest.raises(BadInputError, match=message):
            refuses()


@pytest.mark.parametrize("ids", [np.zeros(3, np.int64), np.zeros(4, np.uint32), np.zeros((3, 1), np.uint32)])
def test_ids_of_another_form_are_refused(ids: Host) -> None:
    with pytest.raises(BadInputError, match=r"ids is .*, expected uint32\[3\]"):
        take.check_ids(_case(4, 1, 3), ids)


def _ids(distribution: str, N: int = 1_000, n: int = 4_096) -> Host:
    case = _case(N, 1, n, distribution)
    (ids,) = TARGET.queries(case, {}, 7, 1)
    take.check_ids(case, ids)
    found: Host = ids.astype(np.int64)
    return found


def test_ids_are_what_their_distribution_says() -> None:
    assert (np.diff(_ids("sorted")) >= 0).all()
    assert (np.diff(_ids("descending")) <= 0).all()
    assert len(set(_ids("duplicated", N=10**6).tolist())) <= 4_096 // take.inputs.RUN
    assert len(set(_ids("identical").tolist())) == 1
    assert set(_ids("ends").tolist()) == {0, 999}
    assert (np.diff(_ids("whole")) % 1_000 == 1).all()
    following = np.diff(_ids("clustered", N=10**6)) == 1
    assert 1 - 2 / take.inputs.RUN < following.mean() < 1 - 0.5 / take.inputs.RUN
    blocks = _ids("nearly-runs", N=10**6).reshape(-1, 16)
    assert (blocks[:, -1] - blocks[:, 0] == 15).all()
    assert 0.3 < (np.diff(blocks, axis=1) != 1).any(axis=1).mean() < 0.7
    assert len(set(_ids("random", N=10**9).tolist())) > 4_000


def test_the_tables_hold_what_a_detour_over_floats_would_change() -> None:
    values = TARGET.data(_case(1_000, 1, 1))["values"]
    floats = values.view(np.float32)
    assert {values.min(), values.max()} == {-(2**31), 2**31 - 1}
    assert np.isnan(floats).any()
    assert ((values & 0x7FC00000) == 0x7F800000)[np.isnan(floats)].any(), "a signalling NaN"
    assert ((floats != 0) & (np.abs(floats) < np.finfo(np.float32).tiny)).any(), "a subnormal"


@pytest.mark.parametrize("scale", ["small", "standard", "large"])
def test_the_cost_counts_no_byte_that_a_draw_may_leave_out(scale: str) -> None:
    for case in TARGET.workloads(0, scale, (1,)):
        N, width, n = (case.shape[letter] for letter in ("N", "W", "n"))
        counted = (TARGET.cost(case).bytes - 4 * n - 4 * width * n) / (4 * width)
        assert counted == int(counted)
        if scale == "small":
            for query in TARGET.queries(case, {}, 3, 4):
                assert counted <= len(np.unique(query))
        assert counted == 0 if case.distribution == "duplicated" else counted > 0.8 * min(n, N)
