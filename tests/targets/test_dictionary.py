"""What `dictionary` promises beyond the conformance suite: pages by hand, refusals that name the place, fair inputs."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, oracle, recorded
from lar.contracts import Case, Data
from lar.errors import BadInputError
from lar.targets import dictionary  # type: ignore[attr-defined]  # the folder is the registry

Host = npt.NDArray[Any]
TARGET = catalog.target("dictionary")
VALUES = np.array([[1, 2], [3, 4], [-(2**31), 2**31 - 1]], np.int32)
WORDS = ["", "a", "né", "漢字"]


def fixed(n: int, code: int = 1, K: int = 3, width: int = 2) -> Case:
    case: Case = dictionary.inputs.fixed("uniform", code, K, width, n, 0)
    return dataclasses.replace(case, name="by hand")


def utf8(n: int, capacity: int, code: int = 1, K: int = 4) -> Case:
    case: Case = dictionary.inputs.strings("uniform", code, K, 9, n, 0)
    return dataclasses.replace(case, name="by hand", statics={"kind": "utf8", "capacity": capacity})


def strings(words: list[str], front: bytes = b"") -> dict[str, Host]:
    encoded = [word.encode() for word in words]
    offsets = len(front) + np.cumsum([0, *map(len, encoded)])
    return {"offsets": offsets.astype(np.int32), "bytes": np.frombuffer(front + b"".join(encoded), np.uint8)}


def page(codes: list[int], valid: str, dtype: Any = np.uint8) -> dict[str, Host]:
    bits = np.packbits([bit == "1" for bit in valid], bitorder="little")
    return {"codes": np.array(codes, dtype), "validity": bits}


def decode(kernel: str, case: Case, data: Data, query: Any) -> Any:
    module = catalog.load_kernel("dictionary", catalog.kernel_path("dictionary", kernel, "numpy"))
    outputs = module.run(np, module.prepare(np, data, **case.statics), query, **case.statics)
    assert oracle.judge(TARGET.reference(case, data, query), TARGET.outputs(case), outputs).passed
    return outputs


# ---- by hand -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", ["portable", "tuned"])
def test_values_by_hand_the_lowest_bit_of_a_bitmap_first(kernel: str) -> None:
    query = page([2, 0, 255, 1, 0, 1, 2, 2, 99, 1], "1101111101")
    (values,) = decode(kernel, fixed(10), {"values": VALUES}, query)
    expected = VALUES[[2, 0, 0, 1, 0, 1, 2, 2, 0, 1]]
    expected[[2, 8]] = 0
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("kernel", ["portable", "tuned"])
@pytest.mark.parametrize("front", [b"", b"\xff\xff"])
def test_strings_by_hand(kernel: str, front: bytes) -> None:
    query = page([1, 3, 0, 200, 2], "11101")
    octets, offsets, total = decode(kernel, utf8(5, 12), strings(WORDS, front), query)
    assert octets.tobytes() == "a漢字né".encode() + bytes(2)
    assert offsets.tolist() == [0, 1, 7, 7, 7, 10]
    assert int(total) == 10


@pytest.mark.parametrize("kernel", ["portable", "tuned"])
@pytest.mark.parametrize("capacity", [1, 2, 9])
def test_what_does_not_fit_is_left_out_and_told_by_the_total(kernel: str, capacity: int) -> None:
    octets, offsets, total = decode(kernel, utf8(3, capacity), strings(WORDS), page([1, 3, 2], "111"))
    assert octets.tobytes() == "a漢字né".encode()[:capacity]
    assert offsets.tolist() == [0, 1, 7, 10]
    assert int(total) == 10


@pytest.mark.parametrize("kernel", ["portable", "tuned"])
@pytest.mark.parametrize("n", [3, 64, 200])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_a_dictionary_without_entries_serves_pages_without_values(kernel: str, n: int, dtype: Any) -> None:
    module = catalog.load_kernel("dictionary", catalog.kernel_path("dictionary", kernel, "numpy"))
    query = {"codes": np.full(n, 2**31 - 1).astype(dtype), "validity": np.zeros(25, np.uint8)}
    for width in (1, 2, 3):
        statics: dict[str, Any] = {"kind": "fixed", "capacity": 0}
        state = module.prepare(np, {"values": np.zeros((0, width), np.int32)}, **statics)
        np.testing.assert_array_equal(module.run(np, state, query, **statics)[0], np.zeros((n, width), np.int32))
    statics = {"kind": "utf8", "capacity": 4}
    state = module.prepare(np, {"offsets": np.zeros(1, np.int32), "bytes": np.zeros(0, np.uint8)}, **statics)
    octets, offsets, total = module.run(np, state, query, **statics)
    assert not octets.any()
    assert not offsets.any()
    assert int(total) == 0


# ---- refused -------------------------------------------------------------------------------------------------------


def refused(message: str, case: Case, data: Data) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        TARGET.check(case, data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("values", [VALUES.astype(np.int64), VALUES.astype(np.float32), VALUES[:2], VALUES[:, :1]])
def test_values_of_another_form_are_refused(values: Host) -> None:
    refused(r"by hand: values is .*, expected int32\[3, 2\]", fixed(5), {"values": values})


def test_statics_out_of_range_are_refused() -> None:
    kind = dataclasses.replace(fixed(5), statics={"kind": "utf16", "capacity": 0})
    refused(r"by hand: the kind is 'utf16', expected one of fixed, utf8", kind, {"values": VALUES})
    room = dataclasses.replace(fixed(5), statics={"kind": "fixed", "capacity": 3})
    refused(r"by hand: the capacity is 3, expected 0 to 0 for fixed values", room, {"values": VALUES})
    refused(r"by hand: the capacity is 0, expected 1 to 2147483647 for utf8", utf8(5, 0), strings(WORDS))


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ([0, 1, 3, 2, 10], r"by hand: offsets\[3\] is 2, expected at least offsets\[2\] = 3"),
        ([-1, 1, 1, 4, 10], r"offsets\[0\] is -1, expected 0 or more"),
        ([0, 0, 1, 11, 12], r"offsets\[3\] is 11, expected at most the 10 bytes there are"),
        ([0, 0, 1, 4], r"offsets is int32\[4\], expected int32\[5\]"),
    ],
)
def test_offsets_that_are_none_are_refused(offsets: list[int], message: str) -> None:
    refused(message, utf8(5, 20), {**strings(WORDS), "offsets": np.array(offsets, np.int32)})


@pytest.mark.parametrize(
    ("octets", "offsets", "message"),
    [
        (b"ab\xffcd", [0, 1, 2, 4, 5], r"by hand: entry 2 is no UTF-8 at bytes\[2\], 0xff: invalid start byte"),
        ("aé漢".encode(), [0, 1, 2, 3, 6], r"entry 2 is no UTF-8 at bytes\[2\], 0xa9: it begins within a character"),
        ("aé漢".encode(), [0, 1, 3, 3, 5], r"entry 3 is no UTF-8 at bytes\[3\], 0xe6: unexpected end of data"),
        (b"\xed\xa0\x80b", [0, 3, 3, 3, 4], r"entry 0 is no UTF-8 at bytes\[0\], 0xed"),
        (b"a\xc0\x80b", [0, 1, 3, 3, 4], r"entry 1 is no UTF-8 at bytes\[1\], 0xc0"),
    ],
)
def test_entries_that_are_no_utf8_are_refused(octets: bytes, offsets: list[int], message: str) -> None:
    data = {"offsets": np.array(offsets, np.int32), "bytes": np.frombuffer(octets, np.uint8)}
    refused(message, utf8(5, 20), data)


def test_bytes_outside_all_entries_may_be_anything() -> None:
    data = {"offsets": np.array([1, 2, 2, 2, 3], np.int32), "bytes": np.frombuffer(b"\xffab\x80", np.uint8)}
    TARGET.check(utf8(5, 20), data)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (page([0, 1, 3, 9, 2], "11011"), r"by hand: codes\[3\] is 9 and not null, expected a code below K = 3"),
        (page([0] * 9, "1" * 8), r"validity has 1 bytes, expected at least 2 for 9 places"),
        (page([0] * 5, "11111", np.uint16), r"codes is uint16\[5\], expected uint8\[5\]"),
        (page([0] * 4, "1111"), r"codes is uint8\[4\], expected uint8\[5\]"),
        ({"codes": np.zeros(5, np.uint8), "validity": np.ones(5, np.bool_)}, r"validity is bool\[5\], expected uint8"),
    ],
)
def test_a_page_that_breaks_the_contract_is_refused(query: Any, message: str) -> None:
    case = fixed(9 if len(query["codes"]) == 9 else 5)
    for refuses in (TARGET.check_query, TARGET.reference, lambda c, d, q: TARGET.audit(c, d, [q])):
        with pytest.raises(BadInputError, match=message):
            refuses(case, {"values": VALUES}, query)


def test_codes_at_nulls_and_bits_behind_the_last_place_are_not_looked_at() -> None:
    query = {"codes": np.array([2, 255, 200], np.uint8), "validity": np.array([0b11111001, 255], np.uint8)}
    TARGET.check_query(fixed(3), {"values": VALUES}, query)


def test_strings_of_more_bytes_than_offsets_reach_are_refused() -> None:
    data = {"offsets": np.array([0, 2**30], np.int32), "bytes": np.zeros(1, np.uint8)}
    case = utf8(3, 9, K=1)
    with pytest.raises(BadInputError, match=r"the strings take 2147483648 bytes, expected at most 2147483647"):
        TARGET.check_query(case, data, page([0, 0, 0], "110"))
    TARGET.check_query(case, data, page([0, 0, 0], "010"))


# ---- inputs --------------------------------------------------------------------------------------------------------


def drawn(distribution: str, n: int = 4_096, K: int = 1_000) -> tuple[Host, Host]:
    case = dictionary.inputs.fixed(distribution, 2, K, 1, n, 3)
    (query,) = TARGET.queries(case, {}, 7, 1)
    return query["codes"].astype(np.int64), np.unpackbits(query["validity"], count=n, bitorder="little") == 1


def test_pages_are_what_their_distribution_says() -> None:
    assert (np.diff(drawn("sorted")[0]) >= 0).all()
    assert (np.diff(np.bincount(drawn("skewed", K=64)[0][drawn("skewed", K=64)[1]])[[0, 3, 33]]) < 0).all()
    assert set(drawn("ends")[0].tolist()) == {0, 999}
    assert len(set(drawn("identical")[0].tolist())) == 1
    assert not drawn("all-null")[1].any()
    assert drawn("one-null")[1].tolist() == [True] * 4_095 + [False]
    assert 0.2 < drawn("null-heavy")[1].mean() < 0.3
    assert drawn("uniform")[1].all()
    runs = drawn("null-runs")[1]
    assert 20 < len(runs) / np.count_nonzero(np.diff(runs)) < 100
    codes, valid = drawn("null-heavy")
    assert codes[~valid].max() > 60_000, "codes at nulls are garbage"


def test_pages_fit_their_capacity_whatever_the_seed_but_where_they_are_not_to() -> None:
    for case in (*TARGET.battery(0), *TARGET.workloads(0, "small", (1,))):
        if case.statics["kind"] == "utf8":
            data = TARGET.data(case)
            for seed in range(3):
                query = TARGET.queries(case, data, seed, 1)[0]
                total = int(TARGET.reference(case, data, query).values[2])  # type: ignore[union-attr]
                room = TARGET.outputs(case)[0].shape[0]
                assert (total > room) == (case.distribution == "overflowing"), case.name


def test_dictionaries_hold_characters_of_every_length_and_no_poison() -> None:
    data = TARGET.data(dictionary.inputs.strings("uniform", 1, 256, 24, 9, 0))
    text = data["bytes"][data["offsets"][0] : data["offsets"][-1]].tobytes().decode()
    assert {len(character.encode()) for character in text} == {1, 2, 3, 4}
    assert (data["bytes"][: dictionary.inputs.FRONT] == 0xFF).all()
    assert (data["bytes"][data["offsets"][-1] :] == 0xFF).all()
    assert data["bytes"].nbytes + data["offsets"].nbytes == TARGET.data_bytes(  # type: ignore[misc]
        dictionary.inputs.strings("uniform", 1, 256, 24, 9, 0)
    )


def test_recorded_pages_of_fixed_width_values_are_taken_and_checked() -> None:
    arrays: dict[str, Host] = {
        "values": VALUES,
        "query/codes": np.array([[0, 2, 9], [1, 1, 1]], np.uint16),
        "query/validity": np.array([[0b011], [0b111]], np.uint8),
    }
    found = recorded.record(TARGET, "mine", arrays, {"kind": "fixed", "capacity": 0})
    assert found.calls == 2
    assert dict(found.case.shape) == {"n": 3, "K": 3, "code": 2, "W": 2}
    assert TARGET.cost(found.case).bytes == 1 + 24
    arrays["query/validity"][0] = 0b111
    with pytest.raises(BadInputError, match=r"codes\[2\] is 9 and not null"):
        recorded.record(TARGET, "mine", arrays, {"kind": "fixed", "capacity": 0})


def test_growth_goes_along_pages_and_dictionaries_that_fit() -> None:
    assert TARGET.growth is not None
    found = TARGET.growth(0, 4 * 4_096)
    assert [case.shape["K"] for case in found["K"].cases] == [2, 16, 256, 4_096]
    assert len({case.shape["n"] for case in found["n"].cases}) >= 5
