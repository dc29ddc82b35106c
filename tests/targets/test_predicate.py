"""What `predicate` promises beyond the conformance suite: rows by hand, refusals that name the place, its inputs."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from lar.targets.predicate.form import COMPARISONS, Term, terms

from lar import catalog, oracle
from lar.contracts import NO_ID, Case, Exact
from lar.errors import BadInputError

Host = npt.NDArray[Any]
TARGET = catalog.target("predicate")
KERNELS: dict[str, Any] = {
    name: catalog.load_kernel("predicate", catalog.kernel_path("predicate", name, "numpy"))
    for name in ("portable", "tuned")
}
BATTERY = TARGET.battery(0)
NAN, INF, TINY = float("nan"), float("inf"), 1e-45


def case_of(predicate: str, n: int, **sizes: int) -> Case:
    return Case("by hand", "by hand", {"n": n, **sizes}, 0, {"predicate": predicate}, n, f"by hand/{n}")


def bitmap(bits: list[int]) -> Host:
    return np.packbits(np.array(bits, bool), bitorder="little")


def words(numbers: list[int]) -> Host:
    """Return i64 as low and high words."""
    return np.array(numbers, "<i8").view("<i4").reshape(-1, 2).astype(np.int32)


def selected(case: Case, data: Mapping[str, Host], query: Mapping[str, Host]) -> list[int]:
    """Return the ids that reference and kernels agree on, once mask, padding and count fit them."""
    truth = TARGET.reference(case, data, query)
    assert isinstance(truth, Exact)
    for kernel in KERNELS.values():
        outputs = kernel.run(np, kernel.prepare(np, data, **case.statics), query, **case.statics)
        verdict = oracle.judge(truth, TARGET.outputs(case), outputs, case.name)
        assert verdict.passed, verdict.failure
    mask, ids, count = truth.values
    found: list[int] = ids[: int(count)].tolist()
    n = case.shape["n"]
    assert np.flatnonzero(np.unpackbits(mask, bitorder="little")).tolist() == found
    assert set(ids[int(count) :].tolist()) <= {NO_ID}
    assert len(ids) == n
    return found


def asked(predicate: str, values: Host, valid: list[int], constants: Host, **sizes: int) -> list[int]:
    case = case_of(predicate, len(values), **sizes)
    data, query = {"a": values, "a_valid": bitmap(valid)}, {"a": constants}
    TARGET.check(case, data)
    TARGET.check_query(case, data, query)
    return selected(case, data, query)


# ---- what is true ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "rows"),
    [("=", [1]), ("<>", [0, 3]), ("<", [0]), ("<=", [0, 1]), (">", [3]), (">=", [1, 3])],
)
def test_a_comparison_with_a_row_without_a_value_is_unknown(operator: str, rows: list[int]) -> None:
    values = np.array([-(2**31), 7, 7, 2**31 - 1, -1], np.int32)
    assert asked(f"i32 {operator} ?", values, [1, 1, 0, 1, 0], np.array([7], np.int32)) == rows


@pytest.mark.parametrize("operator", COMPARISONS)
@pytest.mark.parametrize("constant", [NAN, INF, -INF, 0.0, -0.0, TINY, -TINY, 1.5])
def test_floats_compare_as_numpy_says(operator: str, constant: float) -> None:
    values = np.array([NAN, -NAN, INF, -INF, 0.0, -0.0, TINY, -TINY, 1.5, -1.5, 1e-38, 3e38], np.float32)
    values[1:2].view(np.uint32)[0] = 0xFF800001  # a signalling NaN below zero
    one = np.float32(constant)
    with np.errstate(invalid="ignore"):
        answers = {
            "=": values == one,
            "<>": values != one,
            "<": values < one,
            "<=": values <= one,
            ">": values > one,
            ">=": values >= one,
        }
    rows = np.flatnonzero(answers[operator]).tolist()
    assert asked(f"f32 {operator} ?", values, [1] * 12, np.array([one], np.float32)) == rows


def test_a_nan_is_different_from_everything_and_in_no_list() -> None:
    values = np.array([NAN, 1.0, NAN], np.float32)
    one = np.array([NAN], np.float32)
    assert asked("f32 <> ?", values, [1, 1, 0], one) == [0, 1]
    assert asked("f32 in ?", values, [1, 1, 1], np.array([NAN, 1.0], np.float32), L=2) == [1]
    assert asked("f32 in ?", values, [1, 1, 1], np.array([NAN, NAN], np.float32), L=2) == []


@pytest.mark.parametrize("operator", COMPARISONS)
def test_long_integers_compare_by_both_words(operator: str) -> None:
    numbers = [-(2**63), -(2**32) - 1, -(2**32), -1, 0, 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1]
    compare = {"=": "__eq__", "<>": "__ne__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}[operator]
    for constant in numbers:
        rows = [i for i, number in enumerate(numbers) if getattr(number, compare)(constant)]
        assert asked(f"i64 {operator} ?", words(numbers), [1] * len(numbers), words([constant])) == rows


def test_a_list_and_a_set_of_codes() -> None:
    values = np.array([5, 6, 7, 5, 8], np.int32)
    assert asked("i32 in ?", values, [1, 1, 1, 0, 1], np.array([8, 5, 5], np.int32), L=3) == [0, 4]
    codes = np.array([0, 9, 255, 3], np.uint8)
    assert asked("u8 in ?", codes, [1, 1, 0, 1], bitmap([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), K=10) == [0, 3]
    wide = np.array([0, 299, 65_535, 8], np.uint16)
    assert asked("u16 in ?", wide, [1, 1, 0, 1], bitmap([0] * 299 + [1]), K=300) == [1]


def test_null_itself_is_never_unknown() -> None:
    for wanted, rows in ((1, [1, 2]), (0, [0])):
        assert asked("f32 is null ?", np.full(3, NAN, np.float32), [1, 0, 0], np.array([wanted], np.int32)) == rows


def test_unknown_and_true_is_not_selected_whichever_comes_first() -> None:
    one, other = np.array([1, 1, 1, 1], np.int32), np.array([1, 1, 1, 2], np.float32)
    data = {"a": one, "a_valid": bitmap([1, 0, 1, 1]), "b": other, "b_valid": bitmap([1, 1, 0, 1])}
    query = {"a": np.array([2], np.int32), "b": np.array([2], np.float32)}
    assert selected(case_of("i32 < ? and f32 < ?", 4), data, query) == [0]
    assert selected(case_of("i32 is null ? and f32 < ?", 4), data, {**query, "a": np.array([1], np.int32)}) == [1]


def test_bits_of_no_row_mean_nothing() -> None:
    for n in (1, 7, 63, 65):
        values, valid = np.arange(n, dtype=np.int32), np.full((n + 7) // 8 + 3, 255, np.uint8)
        data: dict[str, Host] = {"a": values, "a_valid": valid}
        query: dict[str, Host] = {"a": np.array([n], np.int32)}
        assert selected(case_of("i32 < ?", n), data, query) == list(range(n))
        assert selected(case_of("i32 is null ?", n), data, {"a": np.array([0], np.int32)}) == list(range(n))
        assert selected(case_of("i32 is null ?", n), data, {"a": np.array([1], np.int32)}) == []


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        ("i32 == ?", "the operator '==', expected one of =, <>, <, <=, >, >=, in, is null"),
        ("i32 like ?", "the operator 'like'"),
        ("i16 < ?", "a column of type 'i16', expected one of i32, i64, f32, u8, u16"),
        ("i32 < 7", "the term 'i32 < 7', expected 'type operator \\?'"),
        ("u8 < ?", "compares codes by '<', expected 'in'"),
        ("i32 < ? and i32 < ? and i32 < ?", "has 3 terms, expected one or two"),
        ("", "a column of type ''"),
    ],
)
def test_a_predicate_that_cannot_be_read_is_refused(predicate: str, message: str) -> None:
    data = {"a": np.zeros(4, np.int32), "a_valid": bitmap([1] * 4)}
    with pytest.raises(BadInputError, match=rf"by hand: the predicate .*{message}"):
        TARGET.check(case_of(predicate, 4), data)


def test_terms_are_read_in_order() -> None:
    assert terms("f32 >= ? and u16 is null ?") == (Term("a", "f32", ">="), Term("b", "u16", "is null"))


GOOD = {
    "a": np.zeros(17, np.int32),
    "a_valid": bitmap([1] * 17),
    "b": np.zeros(17, np.uint8),
    "b_valid": bitmap([1] * 17),
}
PAIR = case_of("i32 in ? and u8 in ?", 17, L=2, K=10)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"a": np.zeros(17, np.int64)}, r"a is int64\[17\], expected int32\[17\] for i32"),
        ({"a": np.zeros((17, 2), np.int32)}, r"a is int32\[17, 2\], expected int32\[17\] for i32"),
        ({"b": np.zeros(16, np.uint8)}, "b has 16 rows, expected n = 17 in every column"),
        ({"a_valid": np.ones(17, bool)}, r"a_valid is bool\[17\], expected uint8 in one dimension"),
        ({"b_valid": bitmap([1] * 16)}, "b_valid has 2 bytes, expected at least 3 for 17 rows"),
        ({"b": np.full(17, 10, np.uint8)}, r"b\[0\] is 10, expected a code below K = 10 where there is a value"),
    ],
)
def test_columns_that_break_the_contract_are_refused(changed: dict[str, Host], message: str) -> None:
    TARGET.check(PAIR, GOOD)
    with pytest.raises(BadInputError, match=f"by hand: {message}"):
        TARGET.check(PAIR, {**GOOD, **changed})


def test_a_code_may_be_anything_where_there_is_no_value() -> None:
    codes, valid = np.zeros(17, np.uint8), [1] * 17
    codes[[3, 11]], valid[3] = 200, 0
    with pytest.raises(BadInputError, match=r"b\[11\] is 200"):
        TARGET.check(PAIR, {**GOOD, "b": codes, "b_valid": bitmap(valid)})
    valid[11] = 0
    TARGET.check(PAIR, {**GOOD, "b": codes, "b_valid": bitmap(valid)})


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"L": 0}, "the IN list is empty, expected 1 to 64 constants"),
        ({"L": 65}, "the IN list has 65 constants, expected 1 to 64"),
        ({"K": 257}, "the dictionary has 257 entries, expected 1 to 256 for u8"),
        ({"n": 2**31}, "n is 2147483648, expected 1 to"),
    ],
)
def test_sizes_out_of_range_are_refused(sizes: dict[str, int], message: str) -> None:
    case = dataclasses.replace(PAIR, shape={**PAIR.shape, **sizes})
    with pytest.raises(BadInputError, match=message):
        TARGET.check(case, GOOD)


RIGHT: dict[str, Host] = {"a": np.zeros(2, np.int32), "b": np.zeros(2, np.uint8)}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"a": np.zeros(0, np.int32)}, "the IN list is empty"),
        ({"a": np.zeros(65, np.int32)}, "the IN list has 65 constants, expected 1 to 64"),
        ({"a": np.zeros(3, np.int32)}, r"the constants for a are int32\[3\], expected int32\[2\]"),
        ({"a": np.zeros(2, np.float32)}, r"the constants for a are float32\[2\], expected int32\[2\]"),
        ({"b": np.zeros(3, np.uint8)}, r"the constants for b are uint8\[3\], expected uint8\[2\]"),
    ],
)
def test_constants_that_break_the_contract_are_refused(changed: dict[str, Host], message: str) -> None:
    TARGET.check_query(PAIR, GOOD, RIGHT)
    with pytest.raises(BadInputError, match=message):
        TARGET.check_query(PAIR, GOOD, {**RIGHT, **changed})


def test_constants_that_are_missing_or_no_truth_value_are_refused() -> None:
    with pytest.raises(BadInputError, match="the query has no constants for b"):
        TARGET.check_query(PAIR, GOOD, {"a": RIGHT["a"]})
    with pytest.raises(BadInputError, match="the constant for a is 2, expected 0 or 1"):
        TARGET.check_query(case_of("i32 is null ?", 17), GOOD, {"a": np.array([2], np.int32)})


# ---- inputs, sizes, cost ---------------------------------------------------------------------------------------------


def test_timed_cases_select_the_share_that_they_state() -> None:
    for case in TARGET.workloads(0, "small", (1,)):
        data = TARGET.data(case)
        queries = TARGET.queries(case, data, 1, 6)
        counts = [int(TARGET.reference(case, data, query).values[2]) for query in queries]  # type: ignore[union-attr]
        assert len({tuple(one.tobytes() for one in query.values()) for query in queries}) > 1, case.name
        n, wanted = case.shape["n"], case.shape["selected"] / 1000
        if "null ?" in str(case.statics["predicate"]):
            assert {round(count / n, 1) for count in counts} <= {0.0, 0.1, 0.9, 1.0}
            continue
        share = float(np.mean(counts)) / n
        assert 0.7 * wanted < share < 1.3 * wanted, (case.name, share)


def test_patterns_select_what_they_say() -> None:
    def rows(distribution: str) -> Host:
        case = next(c for c in BATTERY if c.distribution == distribution and c.shape["n"] == 4_099)
        data = TARGET.data(case)
        data["a_valid"][:] = 255  # what the pattern says of rows with a value
        mask = TARGET.reference(case, data, TARGET.queries(case, data, 1, 1)[0]).values[0]  # type: ignore[union-attr]
        found: Host = np.unpackbits(mask, count=4_099, bitorder="little")
        return found

    place = np.arange(4_099)
    np.testing.assert_array_equal(rows("alternating"), place % 2)
    np.testing.assert_array_equal(rows("blocks"), place // 64 % 2)
    assert rows("all").all()
    assert not rows("none").any()


def test_limits_hold_the_ends_of_each_type_and_what_is_next_to_zero() -> None:
    by_kind: dict[str, set[Any]] = {"i32": set(), "f32": set()}
    for case in BATTERY:
        kind = str(case.statics["predicate"]).split()[0]
        if case.distribution.startswith("limits") and kind in by_kind:
            data = TARGET.data(case)
            for array in (data["a"], *(query["a"] for query in TARGET.queries(case, data, case.seed, 2))):
                by_kind[kind] |= set(array.view(np.uint32).tolist())
    assert {0x80000000, 0x7FFFFFFF, 0, 1, 0xFFFFFFFF} <= by_kind["i32"]
    assert {0x80000000, 0, 1, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F7FFFFF} <= by_kind["f32"]


def test_the_cost_counts_results_and_constants_alone() -> None:
    for case in TARGET.workloads(0, "small", (1,)):
        written = sum(spec.nbytes for spec in TARGET.outputs(case))
        (query,) = TARGET.queries(case, TARGET.data(case), 1, 1)
        assert TARGET.cost(case).bytes == written + sum(one.nbytes for one in query.values())
        assert TARGET.cost(case).operations == {}


def test_sizes_say_how_many_bytes_there_are() -> None:
    assert TARGET.data_bytes is not None
    assert TARGET.growth is not None
    for case in BATTERY:
        held = sum(array.nbytes for array in TARGET.data(case).values())
        assert held <= TARGET.data_bytes(case) <= held + 4
    grown = TARGET.growth(0, 10**6)
    assert set(grown) == {"n", "L"}
    assert all(TARGET.data_bytes(case) <= 1.1 * 10**6 for case in grown["n"].cases)
    assert [case.shape["L"] for case in grown["L"].cases] == [1, 2, 4, 8, 16, 32, 64]


def test_recorded_arrays_are_described_by_their_sizes() -> None:
    assert TARGET.recorded is not None
    case = TARGET.recorded("mine", GOOD, RIGHT, {"predicate": "i32 in ? and u8 in ?"})
    assert dict(case.shape) == {"n": 17, "L": 2, "K": 16}
    TARGET.check(case, GOOD)
    TARGET.check_query(case, GOOD, RIGHT)
    assert selected(case, GOOD, {"a": RIGHT["a"], "b": bitmap([1] * 16)}) == list(range(17))
