"""What `bitpack` promises beyond the conformance suite: layouts by hand, fresh and poisoned pages, refusals."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog
from lar.contracts import Case
from lar.errors import BadInputError

Host = npt.NDArray[Any]
TARGET = catalog.target("bitpack")
TIMED = TARGET.workloads(0, "small", (1,))
KERNELS = ("portable", "tuned")


def case_of(layout: str, width: int, n: int, words: int, distribution: str = "uniform") -> Case:
    sizes, statics = {"n": n, "width": width, "words": words}, {"width": width, "n": n, "layout": layout}
    return Case(f"{distribution}/test", distribution, sizes, 7, statics, 1, f"{distribution}/test")


def unpack(kernel: str, packed: Host, width: int, n: int, layout: str) -> Host:
    module: Any = catalog.load_kernel("bitpack", catalog.kernel_path("bitpack", kernel, "numpy"))
    statics: dict[str, Any] = {"width": width, "n": n, "layout": layout}
    out: Host = module.run(np, module.prepare(np, {"packed": packed}, **statics), packed, **statics)[0]
    return out


def truths(packed: Host, width: int, n: int, layout: str) -> list[Host]:
    case = case_of(layout, width, n, packed.size)
    one: Any = TARGET.reference(case, {}, packed)
    many: Any = TARGET.audit(case, {}, [packed])
    return [one.values[0], many.values[0][0]]


@pytest.mark.parametrize(
    ("words", "width", "expected"),
    [
        ([0b111_010_101], 3, [0b101, 0b010, 0b111]),
        ([0x56ABCDEF, 0xFFFF1234], 24, [0xABCDEF, 0x123456]),
        ([0xFFFFFFFF, 0xBFFFFFFE], 31, [0x7FFFFFFF, 0x7FFFFFFD]),
        ([0x80000000, 0xFFFFFFFF], 32, [0x80000000, 0xFFFFFFFF]),
        ([0xFFFFFFF9], 1, [1, 0, 0, 1]),
        ([0x8000FFFF, 0xFFFF0001], 16, [0xFFFF, 0x8000, 0x0001]),
    ],
)
def test_plain_words_by_hand(words: list[int], width: int, expected: list[int]) -> None:
    packed = np.array(words, np.uint32)
    found = [unpack(kernel, packed, width, len(expected), "plain") for kernel in KERNELS]
    for one in [*found, *truths(packed, width, len(expected), "plain")]:
        assert one.tolist() == expected


@pytest.mark.parametrize("width", [1, 2, 11, 32])
def test_a_bit_of_a_block_is_where_the_layouts_authors_have_it(width: int) -> None:
    """A row's place as the crate that FastLanes files are written with computes it."""
    order = (0, 4, 2, 6)
    for row, lane, bit in ((0, 0, 0), (9, 3, width - 1), (31, 31, width - 1), (16, 17, 0), (13, 30, width // 2)):
        packed = np.zeros(32 * width, np.uint32)
        place = row * width + bit
        packed[32 * (place // 32) + lane] = 1 << place % 32
        expected = np.zeros(1024, np.uint32)
        expected[order[row // 8] * 16 + row % 8 * 128 + lane] = 1 << bit
        for one in [unpack(kernel, packed, width, 1024, "fastlanes") for kernel in KERNELS]:
            np.testing.assert_array_equal(one, expected)
        for one in truths(packed, width, 1024, "fastlanes"):
            np.testing.assert_array_equal(one, expected)


def test_the_two_truths_agree_on_random_words() -> None:
    words = np.random.default_rng(3).integers(0, 2**32, 4096, np.uint32)
    for layout, n in (("plain", 1_500), ("fastlanes", 2_500)):
        for width in range(1, 33):
            one, other = truths(words, width, n, layout)
            np.testing.assert_array_equal(one, other)


# ---- inputs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["plain", "fastlanes"])
def test_words_behind_the_last_value_are_random(layout: str) -> None:
    case = case_of(layout, 5, 1, 165)
    page = TARGET.data(case)["packed"]
    assert page.dtype == np.uint32
    assert page.size == 165
    assert len(set(page[1:].tolist())) > 150


def test_every_call_has_a_page_of_its_own() -> None:
    for case in (TIMED[0], case_of("fastlanes", 7, 100, 224)):
        data = TARGET.data(case)
        pages = [data["packed"], *TARGET.queries(case, data, 1, 3), *TARGET.queries(case, data, 2, 3)]
        assert len({page.tobytes() for page in pages}) == len(pages)
        for page in pages:
            TARGET.check(case, {"packed": page})


@pytest.mark.parametrize("n", [1_000, 40_000])
@pytest.mark.parametrize("layout", ["plain", "fastlanes"])
def test_distributions_are_what_their_names_say(layout: str, n: int) -> None:
    def values(distribution: str, width: int) -> Host:
        words = -(-n // 1024) * 32 * width
        case = case_of(layout, width, n, words, distribution)
        many: Any = TARGET.audit(case, {}, TARGET.queries(case, {}, 5, 1))
        out: Host = many.values[0][0].astype(np.int64)
        return out

    for width in (1, 9, 32):
        top = 2**width - 1
        assert set(values("extremes", width).tolist()) == {0, top}
        assert len(set(values("few-distinct", width).tolist())) <= 4
        assert all(int(one).bit_count() == 1 for one in values("single-bit", width))
        if n == 1_000:  # larger pages are blocks in a random order
            assert (np.diff(values("monotonic", width)) >= 0).all()
    uniform, skewed, clustered = (values(kind, 20) for kind in ("uniform", "skewed", "clustered"))
    assert uniform.max() > 2**19
    assert abs(uniform.mean() / 2**19 - 1) < 0.1
    assert np.median(skewed) < 2**12
    assert skewed.max() > 2**17
    assert (clustered < 2**5).mean() > 0.95
    assert clustered.max() > 2**15


def test_the_floor_counts_words_and_values_and_no_spare_ones() -> None:
    cost = TARGET.cost(case_of("plain", 11, 1_000, 400))
    assert (cost.bytes, dict(cost.operations)) == (4 * 344 + 4 * 1_000, {})
    assert TARGET.cost(case_of("fastlanes", 11, 1_000, 400)).bytes == 4 * 352 + 4 * 1_000


# ---- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statics", "shape", "message"),
    [
        ({"width": 0}, {"width": 0}, "width is 0, expected 1 to 32"),
        ({"width": 33}, {"width": 33}, "width is 33, expected 1 to 32"),
        ({"n": 0}, {"n": 0}, "n is 0, expected 1 to 536870911"),
        ({"n": 2**29}, {"n": 2**29}, "n is 536870912, expected 1 to 536870911"),
        ({"width": 12}, {}, "the static width is 12, expected 11 as its shape"),
        ({"n": 65}, {}, "the static n is 65, expected 64 as its shape"),
        ({"layout": "delta"}, {}, "the layout is 'delta', expected one of plain, fastlanes"),
        ({}, {"words": 23}, "packed has 22 words, expected 23"),
        (
            {"n": 65},
            {"n": 65},
            r"packed ends after word 21, expected at least 23 words for 65 values of 11 bits \(plain\)",
        ),
        (
            {"layout": "fastlanes"},
            {},
            r"packed ends after word 21, expected at least 352 words for 64 values of 11 bits \(fastlanes\)",
        ),
    ],
)
def test_a_page_that_breaks_the_contract_is_refused(
    statics: dict[str, Any], shape: dict[str, int], message: str
) -> None:
    whole = case_of("plain", 11, 64, 22)
    TARGET.check(whole, {"packed": np.zeros(22, np.uint32)})
    case = dataclasses.replace(whole, statics={**whole.statics, **statics}, shape={**whole.shape, **shape})
    with pytest.raises(BadInputError, match=f"^uniform/test: {message}$"):
        TARGET.check(case, {"packed": np.zeros(22, np.uint32)})


@pytest.mark.parametrize(
    ("packed", "found"),
    [
        (np.zeros(22, np.int32), r"int32\[22\]"),
        (np.zeros(22, np.uint64), r"uint64\[22\]"),
        (np.zeros((22, 1), np.uint32), r"uint32\[22, 1\]"),
    ],
)
def test_words_of_another_type_or_shape_are_refused(packed: Host, found: str) -> None:
    with pytest.raises(BadInputError, match=rf"^uniform/test: packed is {found}, expected uint32\[words\]$"):
        TARGET.check(case_of("plain", 11, 64, 22), {"packed": packed})
