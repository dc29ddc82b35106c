"""What `check` says of data that breaks the contract, and how the cost grows."""

import numpy as np
import pytest

from lar.contracts import Data
from lar.errors import BadInputError
from lar.pq import contract
from lar.pq.inputs import case_of

CASE = case_of("gaussian", (6, 3, 16), 50, 2, 4, 0)


def data() -> dict[str, np.ndarray]:
    return {"codebook": np.zeros((3, 16, 2), np.float32), "codes": np.full((50, 3), 15, np.uint8)}


def refused(data: Data, message: str) -> None:
    with pytest.raises(BadInputError) as caught:
        contract.check(CASE, data)
    assert str(caught.value) == f"{CASE.name}: {message}"


def test_good_data_passes() -> None:
    contract.check(CASE, data())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_component_that_is_not_finite_is_named(value: float) -> None:
    bad = data()
    bad["codebook"][1, 7, 1] = bad["codebook"][2, 0, 0] = value
    refused(bad, f"codebook[1, 7, 1] is {value}, expected a finite number")


def test_a_code_outside_the_codebook_is_named() -> None:
    bad = data()
    bad["codes"][17, 2] = 16
    refused(bad, "codes[17, 2] is 16, expected a code below K = 16")


def test_wrong_forms_are_named() -> None:
    refused({**data(), "codes": data()["codes"].T}, "codes is uint8[3, 50], expected uint8[50, 3]")
    refused({**data(), "codes": data()["codes"].astype(np.int32)}, "codes is int32[50, 3], expected uint8[50, 3]")
    refused(
        {**data(), "codebook": data()["codebook"].astype(np.float64)},
        "codebook is float64[3, 16, 2], expected float32[3, 16, 2]",
    )


def test_every_code_is_good_where_there_are_256_centroids() -> None:
    case = case_of("gaussian", (2, 1, 256), 256, 1, 1, 0)
    codes = np.arange(256, dtype=np.uint8).reshape(256, 1)
    contract.check(case, {"codebook": np.zeros((1, 256, 2), np.float32), "codes": codes})


def test_outputs_are_distances_and_ids() -> None:
    distances, ids = contract.outputs(CASE)
    assert (distances.shape, distances.dtype) == ((2, 4), "float32")
    assert (ids.shape, ids.dtype) == ((2, 4), "uint32")


def test_codes_are_read_once_for_all_queries_and_tables_built_for_each() -> None:
    one = contract.cost(case_of("gaussian", (128, 16, 256), 20_000, 1, 10, 0), 2)
    many = contract.cost(case_of("gaussian", (128, 16, 256), 20_000, 32, 10, 0), 2)
    assert one.bytes == 20_000 * 16 + 4 * 256 * 128 + 4 * 128 + 80
    assert many.bytes - one.bytes == 31 * (4 * 128 + 80)
    assert one.operations == {"f32": 2 * 256 * 128, "u8": 20_000 * 16}
    assert many.operations == {name: 32 * count for name, count in one.operations.items()}


def test_no_table_is_counted_for_more_centroids_than_rows() -> None:
    assert contract.cost(case_of("gaussian", (128, 16, 256), 9, 1, 10, 0), 3).operations["f32"] == 3 * 9 * 128
