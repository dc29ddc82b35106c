"""The numba kernel of `pq-cosine`: right against float64 on every kind of data, by the filter and by the plain scan.

Both paths must return the same float32 distances and ids to the last bit. What `_line` promises is checked row by row:
with E the exact sum of a row's float32 entries, b that of the sub-spaces' minima, A the sum of the largest
absolute entries, n = 1 / r the row's norm as the float32 r has it, and u = 2**-24,

- steps and float32 sum s are those of `pq-dot`: ``steps <= (E - b) scale (1 + u)**2`` and ``E <= s + (m + 16) u A``;
- a distance is ``fl(1 + fl(s r))``, at most 2 and a little, so that one within D has ``s <= (D - 1 + 2**-20) n``;
- a norm is no further from its level's lower end than the level is wide, and multiplying by it is rounded down.

Hence ``steps <= most - fall(level)``, the line for the bound D; where D exceeds 1 it is drawn from the largest norm.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.targets.pq_search import KINDS, PATHS, Bench, Host, decoded, descending, dropped_and_near, make

from lar import catalog, simd
from lar.contracts import NO_ID
from lar.errors import BadInputError
from lar.simd import bounds, nearest

DISTRIBUTIONS = (*KINDS, "descending", "wide norms", "zero rows", "all zero", "opposite", "opposite and zero")


def scores(data: dict[str, Host], query: Host) -> tuple[Host, Host]:
    rows = decoded(data)
    products = rows * query
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(query.astype(np.float64))
    over = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    return 1 - products.sum(axis=1) * over, 1 + np.abs(products).sum(axis=1) * over


BENCH = Bench("pq-cosine", scores)
KERNEL = BENCH.kernel


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    BENCH.choose(request.param, monkeypatch)
    return str(request.param)


def inputs(kind: str, shape: tuple[int, int, int], N: int, nq: int) -> tuple[dict[str, Host], Host]:
    if kind != "descending":
        return make(kind, shape, N, nq)
    data, query = make("gaussian", shape, N, nq)
    return descending(data, scores(data, query[0])[0]), (query[:1] + 1e-3 * query).astype(np.float32)


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
@pytest.mark.parametrize(("shape", "N", "k", "nq"), [((16, 8, 1), 4_097, 10, 3), ((20, 3, 2), 8_193, 100, 1)])
def test_right_on_every_distribution(
    path: str, kind: str, shape: tuple[int, int, int], N: int, k: int, nq: int
) -> None:
    BENCH.hold(*inputs(kind, shape, N, nq), k, f"{path} {kind}")


@pytest.mark.parametrize("N", [1, 9, 64, 255, 257, 4_095, 4_097])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_right_at_every_size(path: str, N: int, k: int) -> None:
    BENCH.hold(*make("gaussian", (4, 3, 5), N, 2), k)


@pytest.mark.parametrize("shape", [(1, 1, 0), (1, 768, 0), (3, 3, 0), (17, 1, 0), (96, 8, 0), (300, 1, 0)])
def test_right_for_any_number_and_width_of_sub_spaces(path: str, shape: tuple[int, int, int]) -> None:
    BENCH.hold(*make("gaussian", shape, 5_000, 2), 10)


@pytest.mark.parametrize(("N", "k"), [(1_000, 1_000), (257, 256), (300, 1_000), (1, 3)])
def test_right_when_most_rows_are_wanted_and_padded_when_more(path: str, N: int, k: int) -> None:
    data, query = make("duplicates" if N == 257 else "gaussian", (3, 4, 6), N, 2)
    BENCH.hold(data, query, k)
    found, ids = BENCH.search(data, query, k)
    assert np.isinf(found[:, N:]).all()
    assert (ids[:, N:] == NO_ID).all()


def test_right_for_many_queries_of_few_centroids(path: str) -> None:
    BENCH.hold(*make("gaussian", (16, 2, 7), 5_000, 32, 16), 10)


def test_padding_is_never_found(path: str) -> None:
    data, query = make("gaussian", (16, 2, 3), 8_092, 1)
    data["codes"][data["codes"] == 0] = 1
    data["codebook"][:, 0] = 10 * query.reshape(16, 2)  # what pads the last chunk is code 0: nearer than any row
    BENCH.hold(data, query, 10)


def test_equal_distances_go_by_row_whatever_the_norms(path: str) -> None:
    rng = np.random.default_rng(9)
    codebook = 2.0 * rng.integers(0, 2, (16, 256, 1)) - 1
    codebook[:, 128:] = codebook[:, :128] * 2  # rows of norm 4 and 8: all is a power of two, and so exact
    codes = rng.integers(0, 128, (6_000, 16))
    codes[1::2] += 128
    data: dict[str, Any] = {"codebook": codebook.astype(np.float32), "codes": codes.astype(np.uint8)}
    query = (2.0 * rng.integers(0, 2, (4, 16)) - 1).astype(np.float32)
    exact = scores(data, query[0])[0]
    assert len(np.unique(exact)) < 20
    for k in (10, 300, 6_000):
        BENCH.by_row(data, query, k)


@pytest.mark.parametrize("kind", ["zero rows", "opposite and zero", "all zero"])
def test_what_is_zero_is_at_distance_1(path: str, kind: str) -> None:
    data, query = make(kind, (16, 2, 5), 5_000, 3)
    query[1] = 0
    found, ids = BENCH.search(data, query, 5_000)
    np.testing.assert_array_equal(found[1], np.ones(5_000, np.float32))
    np.testing.assert_array_equal(ids[1], np.arange(5_000))
    zero: Any = ~decoded(data).any(axis=1)
    assert zero.any()
    assert np.all(found[0][zero[ids[0]]] == 1)


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
@pytest.mark.parametrize("shape", [(1, 3, 1), (16, 2, 2), (50, 2, 4)])
def test_the_filter_finds_what_the_plain_scan_finds(
    kind: str, shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for k, N in ((1, 9_000), (10, 25_000), (300, 6_000)):
        BENCH.both(*inputs(kind, shape, N, 3), k, monkeypatch)


def test_batches_share_chunks_where_the_codes_exceed_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    data, query = make("gaussian", (64, 1, 1), 70_000, nearest.BATCH + 1)
    assert data["codes"].size > nearest.CACHED
    BENCH.both(data, query, 10, monkeypatch)


@pytest.mark.skipif(not simd.supports("lookup256"), reason="this processor lacks the byte look-up")
@pytest.mark.parametrize("m", [1, 2, 16, 17, 96, 257])
@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_no_row_within_the_bound_exceeds_its_limit(kind: str, m: int) -> None:
    data, query = inputs(kind, (m, 2, 11), 1_024, 1)
    state = KERNEL.prepare(np, data, k=10)
    norms = KERNEL.Norms(state["inverse"], state["levels"], state["scale"])
    dropped, near = dropped_and_near(KERNEL.METRIC, state, norms, query[0], scores(data, query[0])[0])
    assert dropped == [0, 0, 0, 0]
    if kind == "gaussian" and m > 1:  # and it does filter; with one sub-space, many rows have one direction
        assert all(many <= 2 * rank + 30 for many, rank in zip(near, (0, 9, 512), strict=True))


@pytest.mark.skipif(not simd.supports("lookup256"), reason="this processor lacks the byte look-up")
def test_norms_of_rows_tell_apart_what_sums_do_not() -> None:
    data, query = make("gaussian", (16, 2, 3), 4_096, 1)
    data["codebook"][:, 128:] = data["codebook"][:, :128] / 2
    data["codes"][:2_048] %= 128
    data["codes"][2_048:] = data["codes"][:2_048] + 128  # the same directions, with half the norms, and half the sums
    state = KERNEL.prepare(np, data, k=10)
    norms = KERNEL.Norms(state["inverse"], state["levels"], state["scale"])
    distances = scores(data, query[0])[0]
    assert abs(np.sort(distances)[0] - np.sort(distances)[1]) < 1e-6
    dropped, near = dropped_and_near(KERNEL.METRIC, state, norms, query[0], distances)
    assert dropped == [0, 0, 0, 0]
    assert near[1] <= 150


# ---- norms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "norms",
    [[1.0], [0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 3.0, 3.0 + 2**-21], [1e-12, 1e12, 1.0, 0.0], list(range(1, 3_000))],
)
def test_a_norm_lies_between_the_ends_of_its_level(norms: list[float]) -> None:
    exact = np.array(norms, np.float64)
    inverse = np.divide(1, exact, out=np.zeros_like(exact), where=exact > 0).astype(np.float32)
    levels, (lowest, width, small) = KERNEL.levels_of(inverse)
    assert levels.dtype == np.uint16
    assert np.all(levels[exact == 0] == bounds.EVERYTHING)
    known = exact > 0
    as_used = 1 / inverse[known].astype(np.float64)
    above = (as_used - lowest) / width - levels[known]
    assert np.all((above > -1e-4) & (above < 1 + 1e-4))
    assert known.sum() == 0 or np.mean(as_used < small) <= 1e-3


def test_inverse_norms_are_those_of_decoded_rows() -> None:
    data, _ = make("zero rows", (5, 3, 1), 200, 1)
    inverse = np.empty(200, np.float32)
    KERNEL.inverse_norms(data["codebook"], data["codes"], inverse)
    norms = np.linalg.norm(decoded(data), axis=1)
    expected = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    assert (expected == 0).any()
    np.testing.assert_allclose(inverse, expected, rtol=1e-7)


@pytest.mark.parametrize("factor", [1e-13, 1e13])
def test_rows_too_short_or_too_long_for_float32_are_refused(factor: float) -> None:
    target = catalog.target("pq-cosine")
    case = next(c for c in target.battery(0) if c.distribution == "zero-rows" and c.shape["dim"] == 12)
    data = {name: array.copy() for name, array in target.data(case).items()}
    target.check(case, data)
    data["codebook"][:, 3] *= np.float32(factor)
    data["codes"][41] = 3
    data["codes"][:41][data["codes"][:41] == 3] = 2
    with pytest.raises(BadInputError, match=r"row 41 has norm .*, expected 0 or 1e-12 to 1e\+12"):
        target.check(case, data)


# ---- a good citizen ------------------------------------------------------------------------------------------------


def test_reads_read_only_arrays_changes_none_and_returns_new_ones(path: str) -> None:
    BENCH.good_citizen()


def test_plain_path_compiles_for_a_generic_processor_and_is_cached(tmp_path: Path) -> None:
    BENCH.on_a_generic_processor(__file__, "right or equal or reads or zero", tmp_path)
