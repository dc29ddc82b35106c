"""The numba kernel of `pq-dot`: right against float64 on every kind of data, by the filter and by the plain scan alike.

Both paths must return the same float32 distances and ids to the last bit. What the margins noted by
`lar.simd.metric.note_signed` promise for that is checked row by row: with E the exact sum of a row's float32 entries, b
that of the sub-spaces' minima, A the sum of the largest absolute entries and u = 2**-24,

- a byte is ``floor(fl(fl(entry - low) scale)) <= (entry - low) scale (1 + u)**2``, and saturation only lowers it,
  so that ``steps <= (E - b) scale (1 + u)**2``;
- no term of the float32 sum D passes through more than m / 16 + 9 additions, so that ``E <= D + (m + 16) u A``;
- b is added up in float64, to m 2**-53 of A.

Hence ``steps <= (D + (m + 16) u A - b + m 2**-52 A) scale (1 + 2**-20)``: the limit for the bound D.
"""

from pathlib import Path

import numpy as np
import pytest
from tests.targets.pq_search import KINDS, PATHS, Bench, Host, decoded, descending, dropped_and_near, make

from lar import simd
from lar.contracts import NO_ID
from lar.simd import nearest

DISTRIBUTIONS = (*KINDS, "descending", "wide norms", "zero rows", "all zero", "opposite", "opposite and zero")


def scores(data: dict[str, Host], query: Host) -> tuple[Host, Host]:
    products = decoded(data) * query
    return 1 - products.sum(axis=1), 1 + np.abs(products).sum(axis=1)


BENCH = Bench("pq-dot", scores)
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


def test_equal_distances_go_by_row_and_distances_of_either_sign_by_size(path: str) -> None:
    rng = np.random.default_rng(9)
    data: dict[str, Host] = {
        "codebook": rng.integers(-2, 3, (16, 256, 2)).astype(np.float32),  # products of integers: exact
        "codes": rng.integers(0, 256, (6_000, 16)).astype(np.uint8),
    }
    query = rng.integers(-2, 3, (4, 32)).astype(np.float32)
    exact = scores(data, query[0])[0]
    assert exact.min() < 0 < exact.max()
    for k in (10, 300, 6_000):
        BENCH.by_row(data, query, k)


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


@pytest.mark.parametrize("value", [3e38, -3e38])
def test_products_beyond_float32_do_not_hide_finite_ones(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    data, query = make("gaussian", (16, 2, 5), 5_000, 2)
    query = np.abs(query) * 100
    data["codebook"][3, ::2] = value  # products with it are infinite: of one sign, nearest of all, of the other last
    BENCH.both(data, query, 10, monkeypatch)
    found, ids = BENCH.search(data, query, 10)
    assert np.all(np.isneginf(found) if value > 0 else np.isfinite(found))
    assert np.all((data["codes"][ids, 3] % 2 == 0) == (value > 0))


@pytest.mark.skipif(not simd.supports("lookup256"), reason="this processor lacks the byte look-up")
@pytest.mark.parametrize("m", [1, 2, 16, 17, 96, 257])
@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_no_row_within_the_bound_exceeds_its_limit(kind: str, m: int) -> None:
    data, query = inputs(kind, (m, 2, 11), 1_024, 1)
    state = KERNEL.prepare(np, data, k=10)
    dropped, near = dropped_and_near(KERNEL.METRIC, state, (), query[0], scores(data, query[0])[0])
    assert dropped == [0, 0, 0, 0]
    if kind == "gaussian":  # and it does filter
        assert all(many <= 2 * rank + 30 for many, rank in zip(near, (0, 9, 512), strict=True))


def test_reads_read_only_arrays_changes_none_and_returns_new_ones(path: str) -> None:
    BENCH.good_citizen()


def test_plain_path_compiles_for_a_generic_processor_and_is_cached(tmp_path: Path) -> None:
    BENCH.on_a_generic_processor(__file__, "right or equal or reads", tmp_path)
