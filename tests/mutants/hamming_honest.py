"""Honest variants of `hamming`: other ways to count and to select, the same answer but for the order of ties."""

from typing import Any

from tests.mutants.hamming_steps import Steps, by, columns, in_order, padded, smallest, terms_of
from tests.mutants.variants import Variant, honest

from lar import ops
from lar.contracts import Array, Data, Tree

BEYOND = 2**30
"""A distance that no row has."""


def backwards(xp: Any, terms: list[Array]) -> Array:
    """Add up, the last term first."""
    return in_order(xp, terms[::-1])


def library(xp: Any, terms: list[Array]) -> Array:
    """Add up as the library likes."""
    return xp.sum(xp.stack(terms), axis=0, dtype=xp.int32)


def in_float32(xp: Any, terms: list[Array]) -> Array:
    """Add up in float32, which holds every distance."""
    return xp.astype(in_order(xp, [xp.astype(term, xp.float32) for term in terms]), xp.int32)


def either_less_both(xp: Any, column: Array, byte: Array) -> Array:
    """Count the bits set in either and take off those set in both."""
    return ops.popcount(xp, column | byte) - ops.popcount(xp, column & byte)


def each_less_both(xp: Any, column: Array, byte: Array) -> Array:
    """Count the bits set in each and take off those set in both, twice."""
    return ops.popcount(xp, column) + ops.popcount(xp, byte) - 2 * ops.popcount(xp, column & byte)


def bit_by_bit(xp: Any, column: Array, byte: Array) -> Array:
    """Compare bit by bit."""
    differing = column ^ byte
    return in_order(xp, [(differing >> place) & 1 for place in range(8)])


def nibble_table(xp: Any, column: Array, byte: Array) -> Array:
    """Look the counts of half bytes up."""
    counts = [bin(value).count("1") for value in range(16)]
    table = xp.asarray(counts, dtype=xp.int32, device=ops.device_of(column))
    differing = column ^ byte
    return xp.take(table, differing & 15) + xp.take(table, differing >> 4)


def halves(xp: Any, state: Tree, row: Array) -> Array:
    """Add up the first half, then the rest."""
    terms = terms_of(xp, state, row)
    half = (len(terms) + 1) // 2
    total = in_order(xp, terms[:half])
    return total if half == len(terms) else total + in_order(xp, terms[half:])


def reversed_rows(xp: Any, data: Data) -> Tree:
    """Lay the rows out in reverse."""
    return {"columns": xp.flip(columns(xp, data)["columns"], axis=1)}


def smallest_of_reversed(xp: Any, state: Tree, distances: Array, k: int) -> tuple[Array, Array]:
    """Select among rows in reverse: ties come out the other way."""
    best, ids = smallest(xp, state, distances, k)
    return best, xp.where(ids < 0, ids, distances.shape[0] - 1 - ids)


def sorted_whole(xp: Any, state: Tree, distances: Array, k: int) -> tuple[Array, Array]:
    """Sort all rows."""
    ids = xp.astype(xp.argsort(distances, stable=True), xp.int32)[: min(k, distances.shape[0])]
    return padded(xp, xp.take(distances, ids), k), padded(xp, ids, k)


def as_floats(xp: Any, state: Tree, distances: Array, k: int) -> tuple[Array, Array]:
    """Select distances as float32."""
    found = min(k, distances.shape[0])
    best, ids = ops.top_k(xp, xp.astype(distances, xp.float32), found, largest=False)
    return padded(xp, xp.astype(best, xp.int32), k), padded(xp, ids, k)


class Filtering(Steps):
    """Rules a row out, before it is read to the end, if its first half alone differs in more than the k-th best."""

    def run(self, xp: Any, state: Tree, query: Array, /, *, k: int) -> tuple[Array, Array]:
        def nearest(row: Array) -> tuple[Array, Array]:
            distances, half = self.distances(xp, state, row), state["columns"].shape[0] // 2
            if half == 0:
                return self.select(xp, state, distances, k)
            bound = ops.kth_smallest(xp, distances, min(k, distances.shape[0]))
            ruled_out = self.rules_out(in_order(xp, terms_of(xp, state, row)[:half]), bound)
            return self.select(xp, state, xp.where(ruled_out, BEYOND, distances), k)

        distances, ids = ops.map_rows(xp, nearest, xp.astype(query, xp.int32))
        return ops.bitcast(xp, distances, xp.uint32), ops.bitcast(xp, ids, xp.uint32)

    def rules_out(self, first_half: Array, bound: Array) -> Array:
        """Return which rows are ruled out."""
        return first_half > bound


HONEST: list[Variant] = [
    honest("byte by byte, in order", Steps()),
    honest("the last byte first", Steps(distances=by(add=backwards))),
    honest("the library's sum", Steps(distances=by(add=library))),
    honest("float32 sums", Steps(distances=by(add=in_float32))),
    honest("either less both", Steps(distances=by(either_less_both))),
    honest("each less both, twice", Steps(distances=by(each_less_both))),
    honest("bit by bit", Steps(distances=by(bit_by_bit))),
    honest("a table of half bytes", Steps(distances=by(nibble_table))),
    honest("first half, then the rest", Steps(distances=halves)),
    honest("rows in reverse", Steps(layout=reversed_rows, select=smallest_of_reversed)),
    honest("all rows sorted", Steps(select=sorted_whole)),
    honest("selected as float32", Steps(select=as_floats)),
    honest("ruled out by the first half", Filtering()),
]
