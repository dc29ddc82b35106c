"""The numba kernel of `predicate`: right at every size, for every type and operator, on any processor."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from lar.targets.predicate.form import COMPARISONS
from lar.targets.predicate.intervals import interval

from lar import catalog, oracle
from lar.contracts import NO_ID, Case
from lar.trees import leaves

Host = npt.NDArray[Any]
TARGET = catalog.target("predicate")
KERNEL: Any = catalog.load_kernel("predicate", catalog.kernel_path("predicate", "tuned", "numpy"))
GENERIC = os.environ.get("NUMBA_CPU_NAME") == "generic"
KINDS = ("i32", "i64", "f32", "u8", "u16")
DTYPES = {"f32": np.float32, "u8": np.uint8, "u16": np.uint16}


def column(rng: Any, kind: str, n: int) -> Host:
    """Return values of which many are equal, and some at the ends of their type."""
    few = rng.integers(0, 40, n)
    if kind in {"u8", "u16"}:
        return np.asarray(few.astype(DTYPES[kind]))
    if kind == "f32":
        ends = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45, -1e-45], np.float32)
        return np.asarray(np.where(few < 7, ends[few % 7], (few - 20).astype(np.float32)))
    wide = np.where(few < 3, np.array([-(2**63), 2**63 - 1, -(2**32)])[few % 3], (few - 20) * 2**31)
    if kind == "i64":
        return np.asarray(wide.astype("<i8").view("<i4").reshape(-1, 2).astype(np.int32))
    return np.asarray(np.where(few < 2, np.array([-(2**31), 2**31 - 1])[few % 2], few - 20).astype(np.int32))


def make(predicate: str, n: int, share: float = 0.8) -> tuple[Case, dict[str, Host], dict[str, Host]]:
    """Return a case of two columns or one, with constants that occur in them."""
    rng = np.random.default_rng([n, len(predicate)])
    data: dict[str, Host] = {}
    query: dict[str, Host] = {}
    sizes = {"n": n, "L": 3, "K": 40}
    for name, term in zip("ab", predicate.split(" and "), strict=False):
        kind, _, operator = term.rpartition(" ")[0].partition(" ")
        data[name] = column(rng, kind, n)
        data[f"{name}_valid"] = np.packbits(rng.random(n + 13) < share, bitorder="little")
        if operator == "is null":
            query[name] = rng.integers(0, 2, 1).astype(np.int32)
        elif kind in {"u8", "u16"}:
            query[name] = np.packbits(rng.random(40) < 0.4, bitorder="little")
        else:
            query[name] = column(rng, kind, 3 if operator == "in" else 1)
    return Case("made", "made", sizes, 0, {"predicate": predicate}, n, f"made/{n}"), data, query


def run(data: Mapping[str, Host], query: Mapping[str, Host], predicate: str) -> tuple[Host, Host, Host]:
    state = KERNEL.prepare(np, data, predicate=predicate)
    out: tuple[Host, Host, Host] = KERNEL.run(np, state, query, predicate=predicate)
    return out


def hold(predicate: str, n: int, share: float = 0.8) -> int:
    """Hold the kernel against the reference, and return how many rows were selected."""
    case, data, query = make(predicate, n, share)
    outputs = run(data, query, predicate)
    verdict = oracle.judge(TARGET.reference(case, data, query), TARGET.outputs(case), outputs, f"{predicate} n={n}")
    assert verdict.passed, verdict.failure
    return int(outputs[2])


# ---- right ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "operator"),
    [
        *((kind, operator) for kind in KINDS for operator in ("in", "is null")),
        *((kind, operator) for kind in KINDS[:3] for operator in COMPARISONS),
    ],
)
def test_every_operator_on_every_type(kind: str, operator: str) -> None:
    assert hold(f"{kind} {operator} ?", 4_231) < 4_231


@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 4_095, 4_096, 4_097, 4_160, 8_192])
def test_every_size(n: int) -> None:
    for kind in KINDS:
        hold(f"{kind} in ?", n)
        hold(f"{kind} is null ?", n)
    for kind in KINDS[:3]:
        hold(f"{kind} <= ?", n)


@pytest.mark.parametrize(
    "predicate",
    ["f32 >= ? and i32 < ?", "i64 <> ? and u8 in ?", "u16 in ? and i32 is null ?", "i32 is null ? and f32 in ?"],
)
def test_two_terms(predicate: str) -> None:
    for n in (1, 64, 71, 5_000):
        hold(predicate, n)


@pytest.mark.parametrize("share", [0.0, 0.005, 0.06, 0.24, 0.26, 0.5, 0.99, 1.0])
def test_any_share_of_rows_and_any_arrangement(share: float) -> None:
    """Bits of a word are packed sixteen or 64 at a time, by how many there are."""
    n = 6_413
    rng = np.random.default_rng(8)
    for wanted in (
        rng.random(n) < share,
        np.repeat(rng.random(n // 100 + 1) < share, 100)[:n],
        np.arange(n) < share * n,
    ):
        data: dict[str, Host] = {
            "a": np.where(wanted, 1, 2).astype(np.int32),
            "a_valid": np.full((n + 7) // 8, 255, np.uint8),
        }
        mask, ids, count = run(data, {"a": np.array([1], np.int32)}, "i32 = ?")
        np.testing.assert_array_equal(np.unpackbits(mask, count=n, bitorder="little"), wanted)
        assert int(count) == wanted.sum()
        np.testing.assert_array_equal(ids[: int(count)], np.flatnonzero(wanted))
        assert (ids[int(count) :] == NO_ID).all()


def test_codes_of_no_dictionary_are_no_place_in_memory() -> None:
    for kind, most in (("u8", 255), ("u16", 65_535)):
        data = {"a": np.full(200, most, DTYPES[kind]), "a_valid": np.zeros(25, np.uint8)}
        assert int(run(data, {"a": np.array([255], np.uint8)}, f"{kind} in ?")[2]) == 0


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("operator", COMPARISONS)
def test_intervals_are_what_the_operator_says_at_the_ends(operator: str, width: int) -> None:
    least, most = -(2 ** (width - 1)), 2 ** (width - 1) - 1
    say = {"=": "__eq__", "<>": "__ne__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}[operator]
    for constant in (least, least + 1, -1, 0, 1, most - 1, most):
        low, span, outside = interval(operator, constant, least, width)
        assert 0 <= low < 2**width
        assert 0 <= span < 2**width
        for x in (least, least + 1, -2, -1, 0, 1, 2, most - 1, most):
            assert ((x - low) % 2**width <= span) ^ bool(outside) == getattr(x, say)(constant), (x, constant)


# ---- a good citizen ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("predicate", ["f32 <= ? and i64 > ?", "u8 in ? and u16 in ?", "i32 in ? and i32 is null ?"])
def test_reads_read_only_arrays_changes_none_and_returns_new_ones(predicate: str) -> None:
    _, data, query = make(predicate, 1_003)
    for array in (*data.values(), *query.values()):
        array.setflags(write=False)
    state = KERNEL.prepare(np, data, predicate=predicate)
    assert all(type(leaf) is np.ndarray for leaf in leaves(state))
    for leaf in leaves(state):
        leaf.setflags(write=False)
    before = [leaf.copy() for leaf in leaves(state)]
    first = KERNEL.run(np, state, query, predicate=predicate)
    kept = [array.copy() for array in first]
    second = KERNEL.run(np, state, query, predicate=predicate)
    for leaf, copy in zip(leaves(state), before, strict=True):
        np.testing.assert_array_equal(leaf.view(np.uint8), copy.view(np.uint8))
    for array, copy, again in zip(first, kept, second, strict=True):
        assert type(array) is np.ndarray
        assert array.flags.c_contiguous
        assert not np.shares_memory(array, again)
        np.testing.assert_array_equal(array, copy)
        np.testing.assert_array_equal(array, again)


def shifted(array: Host) -> Host:
    """Return the same array one byte behind where its items would begin, or one item for bytes."""
    space = np.empty(array.nbytes + 1, np.uint8)
    out: Host = space[1:].view(array.dtype).reshape(array.shape)
    out[...] = array
    return out


@pytest.mark.parametrize(
    "view",
    [lambda x: np.repeat(x, 2, axis=0)[::2], np.asfortranarray, shifted, lambda x: np.concatenate([x[:1], x])[1:]],
    ids=["every other row", "by column", "at an odd address", "one item further"],
)
@pytest.mark.parametrize("kind", KINDS)
def test_arrays_may_lie_anywhere(view: Callable[[Host], Host], kind: str) -> None:
    predicate = f"{kind} in ?"
    _, data, query = make(predicate, 333)
    found = run({name: view(array) for name, array in data.items()}, {"a": view(query["a"])}, predicate)
    for one, other in zip(found, run(data, query, predicate), strict=True):
        np.testing.assert_array_equal(one, other)


WAYS = {
    "generic": ("append_singly", "", "i32 < ?;f32 >= ? and u8 in ?;i64 in ? and u16 in ?;i32 is null ?"),
    "haswell": ("append_singly", "+avx,+avx2,+bmi,+bmi2,+popcnt,+sse4.2,+ssse3", "u8 in ? and i32 < ?"),
    "skylake-avx512": ("append_by_words", "+avx,+avx2,+avx512f,+avx512bw,+avx512dq,+avx512vl,+popcnt", "i32 < ?"),
}
"""How ids are written on a processor, what it has, and what is tried there: what differs from the one at hand."""


@pytest.mark.skipif(GENERIC, reason="is the process that this test starts")
@pytest.mark.parametrize("processor", WAYS)
def test_compiles_for_other_processors_and_is_cached(processor: str, tmp_path: Any) -> None:
    if processor == "skylake-avx512" and not KERNEL.simd.supports("compress"):
        pytest.skip("this processor has no AVX-512")
    way, features, predicates = WAYS[processor]
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": processor,
        "NUMBA_CPU_FEATURES": features,
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import test_predicate_tuned_numpy as tests\n"
        "for predicate in sys.argv[2].split(';'):\n"
        "    for n in (1, 64, 5_000):\n"
        "        for share in (0.06, 0.5, 1.0): tests.hold(predicate, n, share)\n"
        "print(tests.KERNEL._append.__name__, sum(tests.KERNEL._i32_within.stats.cache_hits.values()))\n"
    )
    command = [sys.executable, "-c", program, os.path.dirname(__file__), predicates]  # noqa: PTH120 - another's word
    for hits in (0, 1):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.split() == [way, str(hits)]
