"""What `fsst` promises beyond the conformance suite: codes by hand, texts that come back, pages, refusals, sizes."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from lar.targets.fsst import contract, encoding, texts

from lar import catalog, recorded
from lar.contracts import Case
from lar.errors import BadInputError

Host = npt.NDArray[Any]
TARGET = catalog.target("fsst")
BATTERY = {case.name: case for case in TARGET.battery(0)}
KERNELS = ("portable", "tuned")
TABLE = (b"http://", b"a", b"www.", b"\0\0", b"12345678")


def table(symbols: tuple[bytes, ...] = TABLE) -> dict[str, Host]:
    rows, lengths = encoding.table_of(symbols, 3)
    return {"symbols": rows, "lengths": lengths}


def page(*strings: list[int], spare: int = 0) -> dict[str, Host]:
    """Lay encoded strings out, `spare` bytes that look like escapes behind them."""
    codes = [code for one in strings for code in one] + [255] * spare
    return {"codes": np.array(codes, np.uint8), "offsets": np.cumsum([0, *map(len, strings)], dtype=np.int32)}


def case_of(query: dict[str, Host], capacity: int, distribution: str = "urls") -> Case:
    sizes = {"n": len(query["offsets"]) - 1, "bytes": len(query["codes"]), "capacity": capacity}
    return Case(
        f"{distribution}/test", distribution, sizes, 7, {"capacity": capacity}, capacity, f"{distribution}/test"
    )


def everywhere(data: dict[str, Host], query: dict[str, Host], capacity: int) -> list[tuple[Host, Host]]:
    """Decode with the kernels for NumPy, the reference and the audit."""
    case = case_of(query, capacity)
    TARGET.check(case, data)
    TARGET.check_query(case, data, query)
    one: Any = TARGET.reference(case, data, query)
    many: Any = TARGET.audit(case, data, [query])
    found = [one.values, tuple(value[0] for value in many.values)]
    for name in KERNELS:
        kernel: Any = catalog.load_kernel("fsst", catalog.kernel_path("fsst", name, "numpy"))
        found.append(kernel.run(np, kernel.prepare(np, data, capacity=capacity), query, capacity=capacity))
    return found


@pytest.mark.parametrize(
    ("strings", "expected"),
    [
        ([[0, 2, 1]], [b"http://www.a"]),
        ([[], [1], [], [1, 1], []], [b"", b"a", b"", b"aa", b""]),
        ([[255, 1], [1]], [b"\x01", b"a"]),
        ([[255, 255, 1]], [b"\xffa"]),
        ([[255, 255, 255, 255], [255, 255, 255, 0, 0]], [b"\xff\xff", b"\xff\0http://"]),
        ([[3, 255, 0], [4]], [b"\0\0\0", b"12345678"]),
        ([[4] * 9, [2]], [b"12345678" * 9, b"www."]),
    ],
)
@pytest.mark.parametrize("spare", [0, 1, 2, 200])
def test_codes_by_hand(strings: list[list[int]], expected: list[bytes], spare: int) -> None:
    whole = b"".join(expected)
    for capacity in (len(whole), len(whole) + 1, len(whole) + 100):
        for text, ends in everywhere(table(), page(*strings, spare=spare), capacity):
            assert text.tobytes() == whole.ljust(capacity, b"\0")
            assert ends.tolist() == np.cumsum([0, *map(len, expected)]).tolist()
            assert text.dtype == np.uint8
            assert ends.dtype == np.int32


@pytest.mark.parametrize("capacity", [1, 7, 63, 64, 65, 100])
def test_what_exceeds_the_capacity_is_cut_and_told_by_the_offsets(capacity: int) -> None:
    strings = [[4] * 8, [1, 255, 7], [4] * 100]
    whole = b"12345678" * 8 + b"a\x07" + b"12345678" * 100
    for text, ends in everywhere(table(), page(*strings, spare=3), capacity):
        assert text.tobytes() == whole[:capacity]
        assert ends.tolist() == [0, 64, 66, 866]


def test_without_symbols_every_byte_is_escaped() -> None:
    raw = bytes(range(256)) + b"\xff\xff\xff"
    strings = [[code for byte in raw for code in (255, byte)], []]
    for text, ends in everywhere(table(()), page(*strings), len(raw)):
        assert text.tobytes() == raw
        assert ends.tolist() == [0, len(raw), len(raw)]


# ---- inputs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BATTERY)
def test_a_page_is_its_text_and_keeps_the_contract(name: str) -> None:
    case = BATTERY[name]
    data = TARGET.data(case)
    for number, query in enumerate(TARGET.queries(case, data, 11 + case.shape["n"], 2)):
        TARGET.check_query(case, data, query)
        truth: Any = TARGET.reference(case, data, query)
        total = int(truth.values[1][-1])
        if case.distribution not in {"empty", "roomy"}:
            # Little of the room is left; where a page is small, a string that did not fit may have been left out.
            assert total >= 0.4 * case.shape["capacity"], number
        assert (total > case.shape["capacity"]) == (case.distribution == "overflow")


def test_every_call_has_a_page_of_its_own() -> None:
    for case in (BATTERY[next(iter(BATTERY))], TARGET.workloads(0, "small", (1,))[0]):
        data = TARGET.data(case)
        pages = [*TARGET.queries(case, data, 1, 3), *TARGET.queries(case, data, 2, 3)]
        assert len({one["codes"].tobytes() for one in pages}) == len(pages)


@pytest.mark.parametrize("kind", ["urls", "logs", "words", "hex", "random", "mixed", "runs"])
def test_an_encoded_text_comes_back(kind: str) -> None:
    symbols = encoding.trained("urls" if kind == "runs" else kind if kind != "mixed" else "words", 5)
    assert len(symbols) == len(set(symbols)) == encoding.MOST
    assert all(1 <= len(one) <= encoding.LONGEST for one in symbols)
    text = texts.text(kind, 9, 5_000)
    bounds = np.sort(np.random.default_rng(1).integers(0, 5_001, 40))
    bounds[0], bounds[-1] = 0, 5_000
    codes, offsets = encoding.encode(text, bounds, encoding.table_of(symbols, 2))
    query = {"codes": codes, "offsets": offsets.astype(np.int32)}
    for found, ends in everywhere(table(symbols), query, 5_000):
        np.testing.assert_array_equal(found, text)
        np.testing.assert_array_equal(ends, bounds)


def test_texts_compress_as_their_names_say() -> None:
    shares = {}
    for case in TARGET.workloads(0, "small", (1,)):
        if case.data_key.split("/")[1] == "100bytes":
            data = TARGET.data(case)
            (query,) = TARGET.queries(case, data, 3, 1)
            truth: Any = TARGET.reference(case, data, query)
            shares[case.distribution] = query["offsets"][-1] / truth.values[1][-1]
            assert truth.values[1][-1] == case.shape["capacity"]
            assert query["offsets"][-1] > 0.85 * case.shape["bytes"]
    assert shares["escapes"] == 2
    assert shares["logs"] < shares["urls"] < 0.4 < shares["words"] < shares["hex"] < 0.65


def test_runs_of_255_are_of_every_length() -> None:
    case = BATTERY["runs/40bytes/n200/c8193/b16386"]
    (query,) = TARGET.queries(case, TARGET.data(case), 3, 1)
    changes = np.flatnonzero(np.diff(np.concatenate([[0], query["codes"] == 255, [0]])))
    lengths = set((changes[1::2] - changes[::2]).tolist())
    assert lengths >= set(range(2, 80, 2))  # a run of 255 in the text is twice as long in codes
    assert query["codes"][64:].tobytes() != query["codes"][:-64].tobytes()


def test_bytes_behind_a_symbol_are_random_and_mean_nothing() -> None:
    case = BATTERY["words/40bytes/n200/c8193/b4342"]
    data = TARGET.data(case)
    behind = data["symbols"][np.arange(8) >= data["lengths"][:, None]]
    assert len(set(behind.tolist())) > 200
    zeros = np.where(np.arange(8) < data["lengths"][:, None], data["symbols"], np.uint8(0))
    (query,) = TARGET.queries(case, data, 3, 1)
    others = {"symbols": zeros, "lengths": data["lengths"]}
    for one, other in zip(everywhere(dict(data), query, 8_193), everywhere(others, query, 8_193), strict=True):
        np.testing.assert_array_equal(one[0], other[0])


# ---- sizes, costs, recorded pages ----------------------------------------------------------------------------------


def test_the_floor_is_below_what_a_page_holds() -> None:
    for case in TARGET.battery(0):
        data = TARGET.data(case)
        (query,) = TARGET.queries(case, data, 3, 1)
        truth: Any = TARGET.reference(case, data, query)
        written = sum(spec.nbytes for spec in TARGET.outputs(case))
        read = query["offsets"].nbytes + query["offsets"][-1]
        assert TARGET.cost(case).bytes >= written
        if truth.values[1][-1] >= case.shape["capacity"]:
            assert TARGET.cost(case).bytes <= written + read
        assert TARGET.data_bytes is not None
        assert sum(array.nbytes for array in data.values()) <= TARGET.data_bytes(case)


def test_growth_is_along_text_and_strings() -> None:
    assert TARGET.growth is not None
    along = TARGET.growth(0, 1 << 20)
    for size, growth in along.items():
        at = [case.shape[size] for case in growth.cases]
        assert at == sorted(set(at))
        assert len(at) >= 4
        assert max(case.shape["capacity"] for case in growth.cases) <= 1 << 20
    assert {case.shape["n"] for case in along["capacity"].cases} == {1_024}


def test_a_users_own_pages_are_held_against_the_contract() -> None:
    one = page([0, 2, 1], [255, 9], spare=2)
    arrays = {**table(), **{f"query/{name}": np.stack([array, array]) for name, array in one.items()}}
    made = recorded.record(TARGET, "mine", arrays, {"capacity": 20})
    assert (made.calls, dict(made.case.shape)) == (2, {"n": 2, "bytes": 7, "capacity": 20})
    arrays["query/codes"][1, 0] = 5
    with pytest.raises(BadInputError, match=r"in string 0, codes\[0\] is 5, expected a code below 5"):
        recorded.record(TARGET, "mine", arrays, {"capacity": 20})


# ---- refusals ------------------------------------------------------------------------------------------------------


def altered(array: Host, place: int, value: int) -> Host:
    out = array.copy()
    out[place] = value
    return out


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"lengths": lambda a: altered(a, 1, 0)}, "lengths[1] is 0, expected symbols of 1 to 8 bytes"),
        ({"lengths": lambda a: altered(a, 4, 9)}, "lengths[4] is 9, expected symbols of 1 to 8 bytes"),
        ({"lengths": lambda a: a[:-1]}, "lengths is uint8[4], expected uint8[5]"),
        ({"lengths": lambda a: a.astype(np.int32)}, "lengths is int32[5], expected uint8[5]"),
        ({"symbols": lambda a: a[:, :7]}, "symbols is uint8[5, 7], expected uint8[S, 8]"),
        ({"symbols": lambda a: a.view(np.uint64)}, "symbols is uint64[5, 1], expected uint8[S, 8]"),
        ({"symbols": lambda a: a.reshape(-1)}, "symbols is uint8[40], expected uint8[S, 8]"),
        (
            {"symbols": lambda a: np.ones((256, 8), np.uint8), "lengths": lambda a: np.ones(256, np.uint8)},
            "256 symbols, expected at most 255: code 255 is the escape",
        ),
    ],
)
def test_a_table_that_breaks_the_contract_is_refused(spoil: dict[str, Any], message: str) -> None:
    case = case_of(page([0]), 10)
    with pytest.raises(BadInputError) as caught:
        TARGET.check(case, {name: spoil.get(name, lambda a: a)(array) for name, array in table().items()})
    assert str(caught.value) == f"urls/test: {message}"


@pytest.mark.parametrize(
    ("shape", "statics", "message"),
    [
        ({"capacity": 0}, {"capacity": 0}, "capacity is 0, expected 1 to 2147483647"),
        ({"capacity": 2**31}, {"capacity": 2**31}, "capacity is 2147483648, expected 1 to 2147483647"),
        ({}, {"capacity": 11}, "the static capacity is 11, expected 10 as its shape"),
    ],
)
def test_a_capacity_out_of_range_is_refused(shape: dict[str, int], statics: dict[str, int], message: str) -> None:
    case = case_of(page([0]), 10)
    case = dataclasses.replace(case, shape={**case.shape, **shape}, statics=statics)
    with pytest.raises(BadInputError, match=f"^urls/test: {message}$"):
        TARGET.check(case, table())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"codes": lambda a: altered(a, 4, 255)}, "string 2 ends in an escape, codes[4], expected a byte behind it"),
        (
            {"codes": lambda a: altered(a, 1, 5)},
            "in string 0, codes[1] is 5, expected a code below 5, the number of symbols",
        ),
        (
            {"codes": lambda a: altered(a, 4, 254)},
            "in string 2, codes[4] is 254, expected a code below 5, the number of symbols",
        ),
        ({"codes": lambda a: a.astype(np.int32)}, "codes is int32[8], expected uint8[8]"),
        ({"codes": lambda a: a[:-1]}, "codes is uint8[7], expected uint8[8]"),
        ({"offsets": lambda a: a.astype(np.int64)}, "offsets is int64[4], expected int32[4]"),
        ({"offsets": lambda a: a[1:]}, "offsets is int32[3], expected int32[4]"),
        ({"offsets": lambda a: altered(a, 0, 1)}, "offsets[0] is 1, expected 0"),
        (
            {"offsets": lambda a: altered(a, 2, 1)},
            "offsets[2] is 1 after 2, expected offsets that do not run backwards",
        ),
        ({"offsets": lambda a: altered(a, 3, 9)}, "offsets[3] is 9, past the 8 bytes of codes"),
        ({"offsets": lambda a: altered(a, 2, 3)}, "string 1 ends in an escape, codes[2], expected a byte behind it"),
    ],
)
def test_a_page_that_breaks_the_contract_is_refused(spoil: dict[str, Any], message: str) -> None:
    whole = page([0, 1], [], [255, 255, 4], spare=3)
    case = case_of(whole, 100)
    TARGET.check_query(case, table(), whole)
    with pytest.raises(BadInputError) as caught:
        TARGET.check_query(case, table(), {n: spoil.get(n, lambda a: a)(array) for n, array in whole.items()})
    assert str(caught.value) == f"urls/test: {message}"


def test_a_text_that_offsets_cannot_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = page([4, 4], [255, 4], [3])
    assert contract.LARGEST == 2**31 - 1
    for largest, refused in ((19, False), (18, True)):
        monkeypatch.setattr(contract, "LARGEST", largest)
        if refused:
            with pytest.raises(BadInputError, match=r"the strings have 19 bytes, expected at most 18$"):
                TARGET.check_query(case_of(whole, 9), table(), whole)
        else:
            TARGET.check_query(case_of(whole, 9), table(), whole)


def test_a_run_of_255_that_ends_in_an_escape_is_told_from_one_that_does_not() -> None:
    for count in range(1, 9):
        whole = page([0], [255] * count, [1])
        if count % 2:
            with pytest.raises(BadInputError, match=rf"string 1 ends in an escape, codes\[{count}\]"):
                TARGET.check_query(case_of(whole, 9), table(), whole)
        else:
            TARGET.check_query(case_of(whole, 9), table(), whole)
