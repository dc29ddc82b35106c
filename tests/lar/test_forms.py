"""What is said of arrays, sizes and keywords that are not as a contract has them."""

import numpy as np
import pytest

from lar import forms
from lar.contracts import Case
from lar.errors import BadInputError

CASE = Case("a/case", "a", {"n": 3, "k": 0}, 0, {}, 1, "a/3")


def test_a_form_that_fits_passes() -> None:
    forms.hold(CASE, "values", np.zeros((3, 4), np.float32), "float32", (3, 4))
    forms.hold(CASE, "values", np.zeros((3, 4), np.float32), "float32", ("rows", 4))
    forms.hold(CASE, "flag", np.zeros((), np.bool_), "bool", ())


@pytest.mark.parametrize(
    ("array", "shape", "message"),
    [
        (np.zeros((3, 4)), (3, 4), "values is float64[3, 4], expected float32[3, 4]"),
        (np.zeros((3, 4), ">f4"), (3, 4), "values is >f4[3, 4], expected float32[3, 4]"),
        (np.zeros((4, 3), np.float32), (3, 4), "values is float32[4, 3], expected float32[3, 4]"),
        (np.zeros(3, np.float32), (3, 1), "values is float32[3], expected float32[3, 1]"),
        (np.zeros((3, 4), np.float32), ("rows",), "values is float32[3, 4], expected float32[rows]"),
        (np.zeros((3, 4), np.float32), ("rows", 5), "values is float32[3, 4], expected float32[rows, 5]"),
        (np.zeros((), np.float32), (1,), "values is float32[], expected float32[1]"),
    ],
)
def test_both_forms_are_told(array: np.ndarray, shape: tuple[int | str, ...], message: str) -> None:
    with pytest.raises(BadInputError) as caught:
        forms.hold(CASE, "values", array, "float32", shape)
    assert str(caught.value) == f"a/case: {message}"


def test_a_size_out_of_range_is_told() -> None:
    forms.hold_sizes(CASE, n=3)
    with pytest.raises(BadInputError, match=r"^a/case: n is 3, expected 1 to 2$"):
        forms.hold_sizes(CASE, n=2)
    with pytest.raises(BadInputError, match=r"^a/case: k is 0, expected 1 to 9$"):
        forms.hold_sizes(CASE, n=3, k=9)


def test_the_first_place_is_that_of_the_lowest_row_and_in_it_of_the_lowest_column() -> None:
    wrong = np.zeros((3, 4), np.bool_)
    assert forms.first(wrong) is None
    assert forms.first(wrong[:0]) is None
    wrong[1, 3] = wrong[2, 0] = True
    assert forms.first(wrong) == (1, 3)
    assert forms.first(wrong[:, 0]) == (2,)
    assert forms.first(wrong.T) == (0, 2)


@pytest.mark.parametrize("value", ["ten", 1.0, None, True])
def test_a_keyword_that_is_no_whole_number_is_told(value: object) -> None:
    assert forms.whole("recorded/mine", {"k": -7}, "k") == -7
    with pytest.raises(BadInputError) as caught:
        forms.whole("recorded/mine", {"k": value}, "k")
    assert str(caught.value) == f"recorded/mine: k is {value!r}, expected a whole number"
