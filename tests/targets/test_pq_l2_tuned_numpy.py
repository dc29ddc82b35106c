"""The numba kernel of `pq-l2`: right against float64 on every kind of data, by the filter and by the plain scan alike.

Both paths are held to more than the tolerance: they must return the same float32 distances and ids to the last bit. The
filter may thus drop no row that the plain scan would keep, however the rounding falls. What the margins that `_fill`
notes promise for that is checked row by row: with E the exact sum of a row's float32 entries, b the sum of the
sub-spaces' minima and u = 2**-24,

- a byte is ``floor(fl(fl(entry - low) scale)) <= (entry - low) scale (1 + u)**2``, and saturation only lowers it,
  so that ``steps <= (E - b) scale (1 + u)**2``;
- the float32 sum D adds positive numbers, none of which passes through more than m / 16 + 9 additions, so that
  ``D >= E (1 - (m / 16 + 9) u)`` and ``E <= D (1 + (m + 16) u)``;
- b is added up in float64, to a factor of ``1 +- m 2**-53``.

Hence ``steps <= (D (1 + (m + 16) u) - b (1 - m 2**-52)) scale (1 + 2**-20)``: the limit for the bound D.
"""

from pathlib import Path

import numpy as np
import pytest
from tests.targets.pq_search import KINDS, PATHS, Bench, Host, decoded, descending, dropped_and_near, make

from lar import simd
from lar.contracts import NO_ID
from lar.simd import nearest

DISTRIBUTIONS = (*KINDS, "descending")


def scores(data: dict[str, Host], query: Host) -> tuple[Host, Host]:
    distances: Host = ((decoded(data) - query) ** 2).sum(axis=1)
    return distances, distances


BENCH = Bench("pq-l2", scores)
KERNEL = BENCH.kernel


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    BENCH.choose(request.param, monkeypatch)
    return str(request.param)


def inputs(kind: str, shape: tuple[int, int, int], N: int, nq: int, K: int = 256) -> tuple[dict[str, Host], Host]:
    if kind != "descending":
        return make(kind, shape, N, nq, K)
    data, query = make("near the origin", shape, N, nq, K)
    return descending(data, scores(data, 0 * query[0])[0]), query


# ---- right ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
@pytest.mark.parametrize(("shape", "N", "k", "nq"), [((16, 8, 1), 4_097, 10, 3), ((20, 3, 2), 8_193, 100, 1)])
def test_right_on_every_distribution(
    path: str, kind: str, shape: tuple[int, int, int], N: int, k: int, nq: int
) -> None:
    BENCH.hold(*inputs(kind, shape, N, nq), k, f"{path} {kind}")


@pytest.mark.parametrize("N", [1, 9, 63, 64, 65, 255, 256, 257, 1_000, 4_095, 4_096, 4_097, 8_193])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_right_at_every_size(path: str, N: int, k: int) -> None:
    BENCH.hold(*make("gaussian", (4, 3, 5), N, 2), k)


@pytest.mark.parametrize(
    "shape",
    [(1, 1, 0), (1, 768, 0), (2, 16, 0), (3, 3, 0), (15, 1, 0), (17, 1, 0), (33, 8, 0), (96, 8, 0), (300, 1, 0)],
)
def test_right_for_any_number_and_width_of_sub_spaces(path: str, shape: tuple[int, int, int]) -> None:
    BENCH.hold(*make("gaussian", shape, 5_000, 2), 10)


@pytest.mark.parametrize(("N", "k"), [(1_000, 1_000), (9, 9), (257, 256), (300, 1_000), (5_000, 2_000), (1, 3)])
def test_right_when_most_rows_are_wanted_and_padded_when_more(path: str, N: int, k: int) -> None:
    data, query = make("duplicates" if N == 257 else "gaussian", (3, 4, 6), N, 2)
    BENCH.hold(data, query, k)
    found, ids = BENCH.search(data, query, k)
    assert np.isinf(found[:, N:]).all()
    assert (ids[:, N:] == NO_ID).all()


@pytest.mark.parametrize("nq", [3, 32])
def test_right_for_many_queries(path: str, nq: int) -> None:
    BENCH.hold(*make("gaussian", (16, 2, 7), 5_000, nq), 10)


@pytest.mark.parametrize("K", [1, 16, 255])
def test_right_with_a_small_codebook(path: str, K: int) -> None:
    BENCH.hold(*make("gaussian", (5, 2, 8), 2_000, 2, K), 10)


def test_padding_is_never_found(path: str) -> None:
    data, _ = make("gaussian", (16, 2, 3), 8_092, 1)
    data["codes"][data["codes"] == 0] = 1
    # What pads the last chunk is code 0: nearer than any row.
    BENCH.hold(data, data["codebook"][:, 0].reshape(1, -1), 10)


def test_equal_distances_go_by_row(path: str) -> None:
    rng = np.random.default_rng(9)
    data: dict[str, Host] = {
        "codebook": rng.integers(-2, 3, (16, 256, 2)).astype(np.float32),  # sums of squares of integers: exact
        "codes": rng.integers(0, 256, (6_000, 16)).astype(np.uint8),
    }
    query = rng.integers(-2, 3, (4, 32)).astype(np.float32)
    for k in (10, 300):
        BENCH.by_row(data, query, k)


# ---- by the filter as by the plain scan ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
@pytest.mark.parametrize("shape", [(1, 3, 1), (16, 2, 2), (17, 1, 3), (50, 2, 4)])
def test_the_filter_finds_what_the_plain_scan_finds(
    kind: str, shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for k, N in ((1, 9_000), (10, 9_000), (10, 25_000), (300, 6_000)):
        BENCH.both(*inputs(kind, shape, N, 3), k, monkeypatch)


def test_batches_share_chunks_where_the_codes_exceed_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    data, query = make("gaussian", (64, 1, 1), 70_000, nearest.BATCH + 1)
    assert data["codes"].size > nearest.CACHED
    BENCH.both(data, query, 10, monkeypatch)


@pytest.mark.parametrize("value", [3e38, np.inf, np.nan])
def test_entries_without_a_finite_square_come_last(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    data, query = make("gaussian", (16, 2, 5), 5_000, 2)
    data["codebook"][3, ::2] = value
    BENCH.both(data, query, 10, monkeypatch)
    found, _ = BENCH.search(data, query, 10)
    assert np.isfinite(found).all()
    data["codebook"][3] = value  # none is left
    BENCH.both(data, query, 10, monkeypatch)


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


# ---- a good citizen ------------------------------------------------------------------------------------------------


def test_reads_read_only_arrays_changes_none_and_returns_new_ones(path: str) -> None:
    BENCH.good_citizen()


def test_plain_path_compiles_for_a_generic_processor_and_is_cached(tmp_path: Path) -> None:
    BENCH.on_a_generic_processor(__file__, "right or equal or reads", tmp_path)
