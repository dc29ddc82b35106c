"""Mutants of `hamming` that count, read or select wrongly."""

from typing import Any

from tests.mutants.hamming_honest import BEYOND, Filtering
from tests.mutants.hamming_steps import (
    Distances,
    Steps,
    Sum,
    Term,
    by,
    differing_bits,
    in_order,
    padded,
    smallest,
    terms_of,
)
from tests.mutants.variants import Variant, wrong

from lar import ops
from lar.contracts import Array, Data, Tree

BLOCK = 64


# ---- counting ------------------------------------------------------------------------------------------------------


def bits_in_common(xp: Any, column: Array, byte: Array) -> Array:
    """Count the bits set in both."""
    return ops.popcount(xp, column & byte)


def bits_of_either(xp: Any, column: Array, byte: Array) -> Array:
    """Count the bits set in either."""
    return ops.popcount(xp, column | byte)


def differing_bytes(xp: Any, column: Array, byte: Array) -> Array:
    """Count bytes that differ."""
    return xp.astype(column != byte, xp.int32)


def absolute_differences(xp: Any, column: Array, byte: Array) -> Array:
    """Take bytes for numbers."""
    return xp.abs(column - byte)


def parities(xp: Any, column: Array, byte: Array) -> Array:
    """Count a byte's differing bits modulo two."""
    return differing_bits(xp, column, byte) & 1


def only_bits(mask: int) -> Term:
    """Return a count that sees some bits of a byte only."""
    return lambda xp, column, byte: ops.popcount(xp, (column ^ byte) & mask)


def populations(xp: Any, state: Tree, row: Array) -> Array:
    """Compare how many bits are set, wherever they are."""
    own = in_order(xp, terms_of(xp, state, row, lambda xp, column, byte: ops.popcount(xp, column)))
    return xp.abs(own - xp.sum(ops.popcount(xp, row), dtype=xp.int32))


def wrapped_at(size: int, low: int = 0) -> Sum:
    """Return a sum in a type of `size` values from `low` on, that overflows."""
    return lambda xp, terms: (in_order(xp, terms) - low) % size + low


def saturated_at(most: int) -> Sum:
    """Return a sum that goes no further than `most`."""

    def add(xp: Any, terms: list[Array]) -> Array:
        total = in_order(xp, terms)
        return xp.where(total > most, most, total)

    return add


def in_steps_of(step: int) -> Sum:
    """Return a sum rounded down to whole steps."""
    return lambda xp, terms: in_order(xp, terms) // step * step


def squared(xp: Any, terms: list[Array]) -> Array:
    """Square the sum."""
    total = in_order(xp, terms)
    return total * total


# ---- reading -------------------------------------------------------------------------------------------------------


def some_bytes(which: Any) -> Distances:
    """Return distances over those of B bytes that ``which(B)`` names; none of them makes all distances zero."""

    def distances(xp: Any, state: Tree, row: Array) -> Array:
        terms = terms_of(xp, state, row)
        kept = terms[which(len(terms))]
        return in_order(xp, kept) if kept else xp.zeros_like(terms[0])

    return distances


def query_in_order(order: Any) -> Distances:
    """Return distances to a query whose B bytes are read in the order of ``order(B)``."""

    def distances(xp: Any, state: Tree, row: Array) -> Array:
        places = list(order(state["columns"].shape[0]))
        return in_order(xp, terms_of(xp, state, xp.stack([row[place] for place in places])))

    return distances


def big_endian(width: int) -> list[int]:
    """Return the places of bytes in words of four, the other byte order."""
    return [word + byte for word in range(0, width, 4) for byte in reversed(range(min(4, width - word)))]


def mirrored_bits(xp: Any, column: Array, byte: Array) -> Array:
    """Read the query's bits from the other end of its bytes."""
    mirrored = in_order(xp, [((byte >> place) & 1) << (7 - place) for place in range(8)])
    return differing_bits(xp, column, mirrored)


def padded_rows(xp: Any, data: Data) -> Tree:
    """Lay out whole blocks of rows, and take the padding for rows."""
    codes = xp.astype(xp.permute_dims(data["codes"], (1, 0)), xp.int32)
    missing = BLOCK - codes.shape[1] % BLOCK
    zeros = xp.zeros((codes.shape[0], missing), dtype=xp.int32, device=ops.device_of(codes))
    return {"columns": xp.concat([codes, zeros], axis=1)}


# ---- selecting -----------------------------------------------------------------------------------------------------


def first_rows(limit: Any) -> Any:
    """Return a selection that never looks at rows from ``limit(N)`` on."""

    def select(xp: Any, state: Tree, distances: Array, k: int) -> tuple[Array, Array]:
        seen = ops.iota(xp, distances.shape[0], distances) < limit(distances.shape[0])
        return smallest(xp, state, xp.where(seen, distances, BEYOND), k)

    return select


def last_rows(xp: Any, state: Tree, distances: Array, k: int) -> tuple[Array, Array]:
    """Take the k last rows, as if rows came farthest first."""
    skipped = max(distances.shape[0] - k, 0)
    best, ids = smallest(xp, state, distances[skipped:], k)
    return best, xp.where(ids < 0, ids, ids + skipped)


def one_winner_a_block(xp: Any, state: Tree, distances: Array, k: int) -> tuple[Array, Array]:
    """Let only the best rows of each block through, which is right as long as no block holds another of the k best."""
    n = distances.shape[0]
    padding = xp.full((-n % BLOCK,), BEYOND, dtype=xp.int32, device=ops.device_of(distances))
    blocks = xp.reshape(xp.concat([distances, padding]), (-1, BLOCK))
    kept = xp.where(blocks == xp.min(blocks, axis=1, keepdims=True), blocks, BEYOND)
    return smallest(xp, state, xp.reshape(kept, (-1,))[:n], k)


def largest(xp: Any, state: Tree, distances: Array, k: int) -> tuple[Array, Array]:
    """Take the k largest."""
    best, ids = smallest(xp, state, -distances, k)
    return xp.where(ids < 0, best, -best), ids


def selected_by(coarse: Distances) -> Distances:
    """Return right distances below a coarse one; `by_coarse_part` takes them apart."""
    exact = by()
    return lambda xp, state, row: (coarse(xp, state, row) << 16) + exact(xp, state, row)


def by_coarse_part(xp: Any, state: Tree, distances: Array, k: int) -> tuple[Array, Array]:
    """Select by the coarse part alone, then put the right distances in order."""
    ids = ops.smallest_k(xp, distances >> 16, k)
    exact = xp.take(distances & 0xFFFF, ids)
    order = ops.smallest_k(xp, exact, k)
    return padded(xp, xp.take(exact, order), k), padded(xp, xp.take(ids, order), k)


class TooSoon(Filtering):
    """Rules a row out if twice its first half exceeds the k-th best: likely, and no bound."""

    def rules_out(self, first_half: Array, bound: Array) -> Array:
        return 2 * first_half > bound


class AtTheBound(Filtering):
    """Rules out rows whose first half is the k-th best distance, too."""

    def rules_out(self, first_half: Array, bound: Array) -> Array:
        return first_half >= bound


class Accumulating(Steps):
    """Leaves the sums of the query before in the accumulators."""

    def run(self, xp: Any, state: Tree, query: Array, /, *, k: int) -> tuple[Array, Array]:
        def nearest(pair: Array) -> tuple[Array, Array]:
            distances = self.distances(xp, state, pair[0, :]) + self.distances(xp, state, pair[1, :])
            return self.select(xp, state, distances, k)

        rows = xp.astype(query, xp.int32)
        distances, ids = ops.map_rows(xp, nearest, xp.stack([rows, xp.roll(rows, 1, axis=0)], axis=1))
        return ops.bitcast(xp, distances, xp.uint32), ops.bitcast(xp, ids, xp.uint32)


def _count(term: Term) -> Steps:
    return Steps(distances=by(term))


def _sum(add: Sum) -> Steps:
    return Steps(distances=by(add=add))


def _read(distances: Distances) -> Steps:
    return Steps(distances=distances)


def _coarse(coarse: Distances) -> Steps:
    return Steps(distances=selected_by(coarse), select=by_coarse_part)


MUTANTS: list[Variant] = [
    wrong("bits in common", _count(bits_in_common)),
    wrong("bits of either", _count(bits_of_either)),
    wrong("differing bytes", _count(differing_bytes)),
    wrong("absolute differences of bytes", _count(absolute_differences)),
    wrong("parities of bytes", _count(parities)),
    wrong("highest bit of a byte missed", _count(only_bits(0x7F))),
    wrong("lowest bit of a byte missed", _count(only_bits(0xFE))),
    wrong("populations compared", _read(populations)),
    wrong("sums in uint8 that overflow", _sum(wrapped_at(256))),
    wrong("sums in int8 that overflow", _sum(wrapped_at(256, -128)), "value", "order"),
    wrong("sums in uint8 that saturate", _sum(saturated_at(255))),
    wrong("sums in int8 that saturate", _sum(saturated_at(127))),
    wrong("distances in steps of two", _sum(in_steps_of(2))),
    wrong("squared distances", _sum(squared)),
    wrong("last byte missed", _read(some_bytes(lambda B: slice(B - 1)))),
    wrong("first byte missed", _read(some_bytes(lambda B: slice(1, None)))),
    wrong("bytes behind the last word of four missed", _read(some_bytes(lambda B: slice(B // 4 * 4)))),
    wrong("bytes behind the last word of eight missed", _read(some_bytes(lambda B: slice(B // 8 * 8)))),
    wrong("bytes behind the first 32 missed", _read(some_bytes(lambda B: slice(32)))),
    wrong("query read as big-endian words", _read(query_in_order(big_endian))),
    wrong("query read from its end", _read(query_in_order(lambda B: reversed(range(B))))),
    wrong("query's bits mirrored", _count(mirrored_bits)),
    wrong("padding taken for rows", Steps(layout=padded_rows), "range"),
    wrong("selected by the first half", _coarse(some_bytes(lambda B: slice((B + 1) // 2)))),
    wrong("selected by all bytes but the last", _coarse(some_bytes(lambda B: slice(B - 1)))),
    wrong("selected in steps of four bits", _coarse(by(add=in_steps_of(4)))),
    wrong("ruled out by twice the first half", TooSoon()),
    wrong("ruled out at the bound", AtTheBound()),
    wrong("last row never read", Steps(select=first_rows(lambda n: n - 1))),
    wrong("rows behind the last block never read", Steps(select=first_rows(lambda n: n - n % BLOCK))),
    wrong("right for N up to 4096", Steps(select=first_rows(lambda n: 4_096))),
    wrong("right for rows that come farthest first", Steps(select=last_rows)),
    wrong("one winner a block", Steps(select=one_winner_a_block)),
    wrong("the farthest rows", Steps(select=largest), "value", "order"),
    wrong("accumulators not cleared", Accumulating()),
]
