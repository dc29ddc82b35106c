"""The loops of tuned JAX kernels, with a metric of the test's own: sums of absolute differences, times a number a row.

That number makes the order another one than that of the sums, and is looked at in every form and block.
"""

import dataclasses
import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar.contracts import NO_ID

jax = pytest.importorskip("jax", reason="jax is not installed")
loops: Any = pytest.importorskip("lar.pq.tuned.jax")
jnp = jax.numpy
Host = npt.NDArray[Any]
FORMS = {"cpu": loops.CPU, "gpu": loops.GPU, "blocks": dataclasses.replace(loops.CPU, block=300)}
WEIGHTED = loops.Metric(lambda q, c: jnp.abs(q - c), lambda sums, by_row: sums * by_row - 1.0)
PLAIN = loops.Metric(lambda q, c: jnp.abs(q - c), lambda sums, by_row: sums)


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


def make(n: int, nq: int, shape: tuple[int, int, int]) -> tuple[Host, Host, Host, Host]:
    """Return codebook (m, K, width), codes (n, m), a number a row and queries, all of them small integers."""
    dim, m, K = shape
    rng = np.random.default_rng([n, nq, *shape])
    codebook = rng.integers(-4, 5, (m, K, dim // m)).astype(np.float32)
    return (
        codebook,
        rng.integers(0, K, (n, m)).astype(np.uint8),
        2.0 ** rng.integers(0, 3, n).astype(np.float32),
        rng.integers(-4, 5, (nq, dim)).astype(np.float32),
    )


@functools.cache
def compiled(metric: Any, form: str, k: int) -> Any:
    if form == "public":
        return jax.jit(lambda rows, query: loops.nearest(jnp, metric, rows, query, k))
    return jax.jit(lambda rows, query: loops.search(metric, rows, query, k=k, form=FORMS[form]))


def hold(
    form: str, n: int, nq: int, k: int, shape: tuple[int, int, int] = (16, 4, 64), *, weighted: bool = True
) -> None:
    codebook, codes, by_row, query = make(n, nq, shape)
    rows = jnp.asarray(codebook.transpose(2, 0, 1)), jnp.asarray(codes.T), jnp.asarray(by_row) if weighted else None
    distances, ids = map(np.asarray, compiled(WEIGHTED if weighted else PLAIN, form, k)(rows, jnp.asarray(query)))
    decoded = codebook[np.arange(len(codebook)), codes].reshape(n, -1)
    every = np.abs(decoded[None] - query[:, None]).sum(axis=2)
    every = every * by_row - 1 if weighted else every
    kept = min(k, n)
    np.testing.assert_array_equal(distances[:, :kept], np.sort(every, axis=1)[:, :kept])
    np.testing.assert_array_equal(
        np.take_along_axis(every, ids[:, :kept].astype(np.int64), axis=1), distances[:, :kept]
    )
    assert all(len(set(row)) == kept for row in ids[:, :kept].tolist())
    if form == "public":
        assert distances.dtype == np.float32
        assert ids.dtype == np.uint32
        assert np.all(distances[:, kept:] == np.inf)
        assert np.all(ids[:, kept:] == NO_ID)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_finds_the_smallest(form: str, weighted: bool) -> None:
    hold(form, 1_003, 32 if form == "blocks" else 35, 10, weighted=weighted)


@pytest.mark.parametrize("nq", [1, 8, 9, 64])
def test_queries_alone_in_tiles_and_in_a_filled_tile(nq: int) -> None:
    hold("cpu", 700, nq, 10)


@pytest.mark.parametrize(("n", "k"), [(300, 20), (301, 301), (900, 5)])
def test_blocks_of_rows_even_or_not(n: int, k: int) -> None:
    hold("blocks", n, 32, k)


@pytest.mark.parametrize(("form", "shape"), [("cpu", (66, 33, 16)), ("cpu", (68, 4, 32)), ("gpu", (40, 20, 16))])
def test_sums_and_tables_in_uneven_steps(form: str, shape: tuple[int, int, int]) -> None:
    hold(form, 500, 2, 10, shape)
    hold(form, 500, 32, 10, shape)


@pytest.mark.parametrize(("n", "nq", "k"), [(7, 3, 12), (1, 33, 1), (640, 2, 640)])
def test_results_are_padded_where_rows_are_missing(n: int, nq: int, k: int) -> None:
    hold("public", n, nq, k)
