"""What `masked-squares` promises beyond the conformance suite: sums by hand, refusals."""

import numpy as np
import pytest

from lar import catalog, oracle
from lar.contracts import Case
from lar.errors import BadInputError

TARGET = catalog.target("masked-squares")


def _case(n: int, nq: int) -> Case:
    return Case("by hand", "normal", {"n": n, "nq": nq}, 0, {}, nq, f"by hand/n{n}")


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        ([0b0111], 1.0 + 4.0 + 9.0),
        ([0b0100], 9.0),
        ([0b0000], 0.0),
        ([0b11110101], 1.0 + 9.0),  # bits past the end are set, and mean nothing
    ],
)
@pytest.mark.parametrize("kernel", ["portable", "tuned"])
def test_sums_by_hand(bits: list[int], expected: float, kernel: str) -> None:
    """A null is NaN, and no sum shows it."""
    case, values = _case(4, 1), np.array([1.0, -2.0, 3.0, np.nan], np.float32)
    query = np.array([bits], np.uint8)
    truth = TARGET.reference(case, {"values": values}, query)
    module = catalog.load_kernel(TARGET.name, catalog.kernel_path(TARGET.name, kernel, "numpy"))
    outputs = module.run(np, module.prepare(np, {"values": values}), query)
    assert outputs[0][0] == expected
    assert oracle.judge(truth, TARGET.outputs(case), outputs).passed


def test_one_long_running_sum_of_equal_values_is_refused() -> None:
    """The budget is tight enough to find the drift."""
    case, values = _case(1 << 20, 1), np.full(1 << 20, 0.1, np.float32)
    truth = TARGET.reference(case, {"values": values}, np.full((1, 1 << 17), 255, np.uint8))
    drifted = np.cumsum(values * values, dtype=np.float32)[-1:]
    assert not oracle.judge(truth, TARGET.outputs(case), [drifted]).passed


@pytest.mark.parametrize("values", [np.zeros(4), np.zeros(5, np.float32), np.array([0, 0, 2e12, 0], np.float32)])
def test_data_that_breaks_the_contract_is_refused(values: np.ndarray) -> None:
    """Each message names what was expected."""
    with pytest.raises(BadInputError, match="expected"):
        TARGET.check(_case(4, 1), {"values": values})
