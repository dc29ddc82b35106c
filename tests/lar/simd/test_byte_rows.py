"""Vectors as bytes: what rounding keeps and loses is as noted, and estimates are what the rounded vectors say."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar import simd
from lar.simd import byte_rows
from lar.simd.byte_rows import GROUP, QUERY, STEP, TOGETHER

Host = npt.NDArray[Any]
needs_products = pytest.mark.skipif(not simd.supports("add_products"), reason="this processor lacks the instruction")
KINDS = ("gaussian", "offset", "spikes", "zeros", "tiny", "huge", "wide")


def make(kind: str, N: int, dim: int) -> Host:
    rng = np.random.default_rng([N, dim])
    rows = rng.standard_normal((N, dim))
    match kind:
        case "offset":
            rows += 100
        case "spikes":
            rows[np.arange(N), rng.integers(0, dim, N)] = 1e4
        case "zeros":
            rows[::2] = 0
        case "tiny":
            rows *= 1e-36
        case "huge":
            rows *= 1e15
        case "wide":
            rows *= 10.0 ** rng.integers(-8, 8, (N, 1))
    return rows.astype(np.float32)


def bytes_of(panels: Host, N: int, dim: int) -> Host:
    """Return int64 (N, dim): the signed bytes of each row."""
    steps = byte_rows.steps_of(dim)
    rows = panels.reshape(-1, steps, GROUP, STEP).transpose(0, 2, 1, 3).reshape(-1, steps * STEP)
    assert np.all(rows[N:] == 128)
    assert np.all(rows[:, dim:] == 128)
    return rows[:N, :dim].astype(np.int64) - 128


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("N", "dim"), [(1, 1), (63, 5), (65, 128), (130, 33)])
def test_rows_are_what_is_kept_and_what_is_lost(kind: str, N: int, dim: int) -> None:
    rows = make(kind, N, dim)
    centre = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    panels, scales, norms, lost = byte_rows.panels_of(rows, centre)
    assert panels.ctypes.data % 64 == 0
    found = bytes_of(panels, N, dim)
    assert np.all(np.abs(found) <= 127)
    kept = scales.astype(np.float64)[:, None] * found
    np.testing.assert_allclose(norms, np.linalg.norm(kept, axis=1), rtol=1e-12, atol=1e-45)
    left = rows.astype(np.float64) - centre.astype(np.float64) - kept
    np.testing.assert_allclose(lost, np.linalg.norm(left, axis=1), rtol=1e-9, atol=1e-45)
    assert np.all(np.abs(left).max(axis=1) <= np.maximum(scales * 0.501, 2e-28))


@njit
def round_query(query: Host, centre: Host, bytes_: Host, rounded: Host) -> None:
    byte_rows.round_query(query, centre, bytes_, rounded[0])


def rounded_query(query: Host, centre: Host) -> tuple[Host, Any]:
    bytes_, rounded = np.zeros(query.size, np.uint8), np.zeros(1, QUERY)
    round_query(query, centre, bytes_, rounded)
    return bytes_, rounded[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dim", [16, 128, 768, byte_rows.WIDEST])
def test_a_query_is_what_is_kept_and_no_more_than_what_is_said_to_be_lost(kind: str, dim: int) -> None:
    query, centre = make(kind, 4, dim)[2], make(kind, 4, dim).mean(axis=0, dtype=np.float64).astype(np.float32)
    bytes_, rounded = rounded_query(query, centre)
    kept = rounded["scale"] * bytes_.view(np.int8).astype(np.float64)
    exact = query.astype(np.float64) - centre.astype(np.float64)
    assert rounded["shift"] == 128 * bytes_.view(np.int8).astype(np.int64).sum()
    assert rounded["kept"] == pytest.approx(np.sum(kept**2), rel=2.0**-21, abs=1e-60)
    lost, norm = np.linalg.norm(exact - kept), np.linalg.norm(exact)
    assert lost <= rounded["lost"] <= lost * (1 + 2.0**-9) + norm * 2.0**-18 + 1e-15
    assert norm <= rounded["norm"] <= norm * 1.02 + 1e-15


@njit
def estimate(panels: Host, rows: tuple[Host, Host], first: int, query: Host, terms: Any, out: Host) -> None:
    byte_rows.estimate(panels, query.size, (rows[0], rows[1], first), query, terms, out)


@njit
def estimate_four(panels: Host, rows: tuple[Host, Host], first: int, queries: Host, terms: Any, out: Host) -> None:
    byte_rows.estimate_four(panels, queries.shape[1], (rows[0], rows[1], first), queries, terms, out)


@needs_products
@pytest.mark.parametrize("dim", [4, 12, 100, 768])
def test_estimates_are_those_of_the_rounded_vectors_for_one_query_and_for_four(dim: int) -> None:
    N, first = 4 * GROUP - 7, GROUP
    rows = make("gaussian", N, dim)
    panels, scales, _, _ = byte_rows.panels_of(rows, np.zeros(dim, np.float32))
    width = -(-dim // 16) * 16
    queries, zeros = np.zeros((TOGETHER, width), np.float32), np.zeros(width, np.float32)
    queries[:, :dim] = make("gaussian", TOGETHER, dim)
    by_row = np.zeros((2, 4 * GROUP), np.float32)
    by_row[0, :N], by_row[1, :N] = np.random.default_rng(1).random(N), scales
    found = [rounded_query(query, zeros) for query in queries]
    terms = [(int(r["shift"]), np.float32(2 * r["scale"]), np.float32(0.5)) for _, r in found]
    size = 3 * GROUP
    words = np.stack([bytes_.view(np.int32)[: byte_rows.steps_of(dim)] for bytes_, _ in found])
    four = np.zeros((TOGETHER, size), np.float32)
    estimate_four(panels, (by_row[0], by_row[1]), first, words, tuple(terms), four)
    kept = scales.astype(np.float64)[:, None] * bytes_of(panels, N, dim)
    for i, (bytes_, rounded) in enumerate(found):
        one = np.zeros(size, np.float32)
        estimate(panels, (by_row[0], by_row[1]), first, words[i], terms[i], one)
        np.testing.assert_array_equal(one, four[i])
        product = kept @ (rounded["scale"] * bytes_.view(np.int8)[:dim].astype(np.float64))
        expected = 0.5 * by_row[0, :N] - 2 * product
        magnitude = 0.5 * by_row[0, :N] + 2 * np.linalg.norm(kept, axis=1) * rounded["norm"]
        assert np.all(np.abs(one[: N - first] - expected[first:]) <= 4 * 2.0**-24 * magnitude[first:])


@njit
def find(estimates: Host, lost: Host, first: int, slack: float, limit: float, blocks: Host) -> Any:
    return byte_rows.find(estimates, lost, first, np.float32(slack), np.float32(limit), blocks)


def test_find_lists_rows_within_the_limit() -> None:
    rng = np.random.default_rng(3)
    estimates, lost = rng.random(320, np.float32), rng.random(400, np.float32)
    estimates[128:192] = 2  # a block without any
    estimates[0] = np.inf
    blocks = np.zeros((6, 2), np.uint64)
    found, near = find(estimates, lost, 64, 0.5, 0.25, blocks)
    rows = [int(place) + bit for mask, place in blocks[:found].tolist() for bit in range(64) if int(mask) >> bit & 1]
    expected = 64 + np.flatnonzero(estimates - 0.5 * lost[64:384] <= 0.25)
    assert rows == expected.tolist()
    assert near == len(rows)
    assert found == 4


@pytest.mark.parametrize("kind", ["random", "equal", "two values", "negative", "few"])
@pytest.mark.parametrize("wanted", [1, 20, 100])
def test_rank_holds_enough_and_seldom_many_more(kind: str, wanted: int) -> None:
    values = np.random.default_rng(4).standard_normal(512).astype(np.float32)
    count = 40 if kind == "few" else 500
    if kind == "equal":
        values[:] = 3
    elif kind == "two values":
        values = np.sign(values)
    elif kind == "negative":
        values -= 100
    values[count:] = np.inf
    limit = byte_rows.rank(values, wanted, count)
    near = int(np.sum(values <= limit))
    assert np.isfinite(limit)
    assert near >= min(wanted, count)
    if kind in {"random", "negative"}:
        assert near <= wanted + wanted // 2 + 1
