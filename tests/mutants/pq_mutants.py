"""Mutants of a search of product-quantised rows: computations that go wrong in the ways such kernels go wrong.

Low precision is rounded on the bits of float32, so that it means the same on every backend, those without half
precision included.
"""

from typing import Any

from tests.mutants.pq_steps import (
    Family,
    Layout,
    Probe,
    Steps,
    Table,
    entries,
    factors,
    in_order,
    look_up,
    probe_by,
    smallest,
    table_by,
)
from tests.mutants.variants import Variant, wrong

from lar import ops
from lar.contracts import Array, Data, Tree

BLOCK = 64


# ---- precision -----------------------------------------------------------------------------------------------------


def bfloat16(xp: Any, x: Array) -> Array:
    """Round to bfloat16."""
    return _keep(xp, x, 7)


def tf32(xp: Any, x: Array) -> Array:
    """Round to the ten bits of mantissa that tensor cores multiply."""
    return _keep(xp, x, 10)


def float16(xp: Any, x: Array) -> Array:
    """Round to float16, subnormals included; magnitudes above 65504 do not occur here."""
    return xp.where(xp.abs(x) < 2.0**-14, xp.round(x * 2.0**24) * 2.0**-24, _keep(xp, x, 10))


def _keep(xp: Any, x: Array, bits: int) -> Array:
    """Round to `bits` explicit bits of mantissa, ties to even."""
    drop = 23 - bits
    word = ops.bitcast(xp, x, xp.int32)
    word = (word + ((1 << (drop - 1)) - 1) + ((word >> drop) & 1)) & -(1 << drop)
    return ops.bitcast(xp, word, xp.float32)


def rounded_sums(rounding: Any) -> Any:
    """Return a sum whose accumulator is rounded after every addition."""

    def add(xp: Any, terms: list[Array]) -> Array:
        total = rounding(xp, terms[0])
        for term in terms[1:]:
            total = rounding(xp, total + term)
        return total

    return add


def rounded_table(family: Family, rounding: Any) -> Table:
    """Return a table whose entries are rounded."""
    build = table_by(family)
    return lambda xp, row, codebook: rounding(xp, build(xp, row, codebook))


def rounded_inputs(family: Family, rounding: Any) -> Table:
    """Return a table of rounded queries and centroids."""
    build = table_by(family)
    return lambda xp, row, codebook: build(xp, rounding(xp, row), rounding(xp, codebook))


def rounded_factors(family: Family, rounding: Any) -> Table:
    """Return a table of products of rounded factors."""

    def table(xp: Any, row: Array, codebook: Array) -> Array:
        return in_order(xp, [rounding(xp, a) * rounding(xp, b) for a, b in factors(family, xp, row, codebook)])

    return table


def tail_in_bfloat16(xp: Any, table: Array, columns: Array) -> Array:
    """Add up right in whole blocks, and in bfloat16 behind the last of them."""
    right, coarse = probe_by()(xp, table, columns), probe_by(rounded_sums(bfloat16))(xp, table, columns)
    n = columns.shape[1]
    return xp.where(ops.iota(xp, n, columns) < n - n % BLOCK, right, coarse)


def selected_coarsely(xp: Any, state: Tree, scores: Array, k: int) -> tuple[Array, Array]:
    """Select by bfloat16 scores, then give the right score of each selected row, in order."""
    _, ids = smallest(xp, state, bfloat16(xp, scores), k)
    known = ids >= 0
    exact = xp.where(known, xp.take(scores, xp.where(known, ids, 0)), _infinite(xp, ids))
    exact, order = ops.top_k(xp, exact, k, largest=False)
    return exact, xp.take(ids, order)


# ---- arithmetic ----------------------------------------------------------------------------------------------------


def fixed_point(levels: int, wrap: int | None = None) -> Probe:
    """Return a probe of table entries rounded to `levels` steps and added in int32, or modulo `wrap`."""

    def probe(xp: Any, table: Array, columns: Array) -> Array:
        span = xp.max(xp.abs(table))
        span = xp.where(span > 0, span, xp.ones_like(span))
        steps = xp.astype(xp.round(table * (levels / span)), xp.int32)
        total = in_order(xp, entries(xp, steps, columns))
        total = total if wrap is None else total % wrap
        return xp.astype(total, xp.float32) * (span / levels)

    return probe


def last_component_missed(family: Family) -> Table:
    """Stop one component short."""
    return lambda xp, row, codebook: in_order(xp, [a * b for a, b in factors(family, xp, row, codebook)[:-1]])


def last_sub_space_missed(xp: Any, table: Array, columns: Array) -> Array:
    """Stop one sub-space short."""
    return in_order(xp, entries(xp, table, columns)[:-1])


# ---- reading codes and rows ----------------------------------------------------------------------------------------


def signed_codes(xp: Any, table: Array, columns: Array) -> Array:
    """Read codes as int8: an address before the sub-space's table is one in the table before it."""
    m, K = table.shape
    flat = xp.reshape(table, (m * K,))
    signed = xp.where(columns > 127, columns - 256, columns)
    address = [signed[j, :] + j * K for j in range(m)]
    return in_order(xp, [xp.take(flat, xp.where(a < 0, 0, a)) for a in address])


def big_endian_codes(family: Family) -> Layout:
    """Read codes as 32-bit words of the wrong byte order."""

    def layout(xp: Any, data: Data) -> Tree:
        state = family.layout(xp, data)
        m = state["columns"].shape[0]
        order = [word + byte for word in range(0, m, 4) for byte in reversed(range(min(4, m - word)))]
        return {**state, "columns": xp.stack([state["columns"][j, :] for j in order])}

    return layout


def next_tables(xp: Any, table: Array, columns: Array) -> Array:
    """Pair each code with the table after its own."""
    return probe_by()(xp, xp.roll(table, -1, axis=0), columns)


def strided_codebook(family: Family) -> Layout:
    """Take the codebook's components for its centroids."""

    def layout(xp: Any, data: Data) -> Tree:
        m, K, width = data["codebook"].shape
        misread = xp.permute_dims(xp.reshape(data["codebook"], (m, width, K)), (0, 2, 1))
        return {**family.layout(xp, data), "codebook": misread}

    return layout


def first_rows(limit: Any) -> Any:
    """Return a selection that never looks at rows from ``limit(N)`` on."""

    def select(xp: Any, state: Tree, scores: Array, k: int) -> tuple[Array, Array]:
        seen = ops.iota(xp, scores.shape[0], scores) < limit(scores.shape[0])
        return smallest(xp, state, xp.where(seen, scores, _infinite(xp, scores)), k)

    return select


def last_rows(xp: Any, state: Tree, scores: Array, k: int) -> tuple[Array, Array]:
    """Take the k last rows, as if rows came farthest first."""
    skipped = max(scores.shape[0] - k, 0)
    scores, ids = smallest(xp, state, scores[skipped:], k)
    return scores, xp.where(ids < 0, ids, ids + skipped)


def one_winner_a_block(xp: Any, state: Tree, scores: Array, k: int) -> tuple[Array, Array]:
    """Let only the best row of each block through, which is right as long as no block holds two of the k best."""
    n = scores.shape[0]
    missing = -n % BLOCK
    blocks = xp.concat([scores, _infinite(xp, xp.zeros(missing, dtype=xp.float32, device=ops.device_of(scores)))])
    blocks = xp.reshape(blocks, (-1, BLOCK))
    kept = xp.where(blocks == xp.min(blocks, axis=1, keepdims=True), blocks, _infinite(xp, blocks))
    return smallest(xp, state, xp.reshape(kept, (-1,))[:n], k)


def largest(xp: Any, state: Tree, scores: Array, k: int) -> tuple[Array, Array]:
    """Take the k largest."""
    return ops.top_k(xp, scores, k, largest=True)


class Accumulating(Steps):
    """Leaves the sums of the query before in the accumulators."""

    def run(self, xp: Any, state: Tree, query: Array, /, *, k: int) -> tuple[Array, Array]:
        def nearest(pair: Array) -> tuple[Array, Array]:
            scores = self.score(xp, state, pair[0, :]) + self.score(xp, state, pair[1, :])
            return self.select(xp, state, scores, k)

        scores, ids = ops.map_rows(xp, nearest, xp.stack([query, xp.roll(query, 1, axis=0)], axis=1))
        return scores, ops.bitcast(xp, ids, xp.uint32)


def _infinite(xp: Any, like: Array) -> Array:
    return xp.full(like.shape, float("inf"), dtype=xp.float32, device=ops.device_of(like))


def low_precision(family: Family) -> list[Variant]:
    """Return the mutants whose error is nothing but rounding."""

    def table(build: Table) -> Steps:
        return Steps(family, scores=look_up(family, build))

    def sums(rounding: Any) -> Steps:
        return Steps(family, scores=look_up(family, probe=probe_by(rounded_sums(rounding))))

    return [
        wrong("float16 table", table(rounded_table(family, float16))),
        wrong("bfloat16 table", table(rounded_table(family, bfloat16))),
        wrong("float16 inputs", table(rounded_inputs(family, float16))),
        wrong("bfloat16 inputs", table(rounded_inputs(family, bfloat16))),
        wrong("tf32 products", table(rounded_factors(family, tf32))),
        wrong("bfloat16 products", table(rounded_factors(family, bfloat16))),
        wrong("float16 sums", sums(float16)),
        wrong("bfloat16 sums", sums(bfloat16)),
    ]


def mutants(family: Family) -> list[Variant]:
    """Return all others that go wrong whatever the metric."""

    def table(build: Table) -> Steps:
        return Steps(family, scores=look_up(family, build))

    def probe(use: Probe) -> Steps:
        return Steps(family, scores=look_up(family, probe=use))

    def select(choose: Any) -> Steps:
        return Steps(family, select=choose)

    return [
        wrong("bfloat16 sums behind the last block", probe(tail_in_bfloat16)),
        wrong("selected in bfloat16, scores right", select(selected_coarsely)),
        wrong("8-bit fixed point", probe(fixed_point(255))),
        wrong("16-bit fixed point", probe(fixed_point(2**16 - 1))),
        wrong("int32 sums that overflow", probe(fixed_point(2**30))),
        wrong("uint8 sums that overflow", probe(fixed_point(255, wrap=256))),
        wrong("last component missed", table(last_component_missed(family))),
        wrong("last sub-space missed", probe(last_sub_space_missed)),
        wrong("codes read as int8", probe(signed_codes)),
        wrong("codes read as big-endian words", Steps(family, layout=big_endian_codes(family))),
        wrong("the next sub-space's table", probe(next_tables)),
        wrong("codebook read with wrong strides", Steps(family, layout=strided_codebook(family))),
        wrong("last row never read", select(first_rows(lambda n: n - 1)), "nan", "value"),
        wrong("rows behind the last block never read", select(first_rows(lambda n: n - n % BLOCK)), "nan", "value"),
        wrong("right for N up to 4096", select(first_rows(lambda n: 4_096))),
        wrong("right for rows that come farthest first", select(last_rows)),
        wrong("one winner a block", select(one_winner_a_block), "value", "nan"),
        wrong("the farthest rows", select(largest), "value", "order", "padding"),
        wrong("accumulators not cleared", Accumulating(family)),
    ]
