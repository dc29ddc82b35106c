"""Cases along one size: those that fit, in order, and no size with too few of them."""

from lar import growth
from lar.contracts import Case


def case_of(n: int) -> Case:
    return Case(f"a/{n}", "a", {"n": n, "m": 100 - n}, 0, {}, 1, f"a/{n}")


def test_cases_that_fit_come_in_ascending_order() -> None:
    cases = [case_of(n) for n in (8, 1, 4, 2, 16)]
    along = growth.along(8, lambda case: case.shape["n"], {"n": (cases, 1.0), "m": (cases, 0.5)})
    assert [case.shape["n"] for case in along["n"].cases] == [1, 2, 4, 8]
    assert [case.shape["n"] for case in along["m"].cases] == [8, 4, 2, 1]
    assert (along["n"].exponent, along["m"].exponent) == (1.0, 0.5)


def test_a_size_of_which_fewer_than_three_cases_fit_is_left_out() -> None:
    few, many = [case_of(n) for n in (1, 2, 9)], [case_of(n) for n in (1, 2, 3)]
    along = growth.along(8, lambda case: case.shape["n"], {"few": (few, 1.0), "n": (many, 1.0)})
    assert list(along) == ["n"]
