"""Mutants of `take`: ids that are followed wrongly, words that are fetched or carried wrongly, wrong shapes.

A kernel is two steps: `ids` says which rows are fetched in the end, `words` makes them of the table. Both compute in
int32, so that a mutant means the same on every backend.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.mutants.variants import Answers, Spoiler, Variant, spoiled, wrong

from lar import ops
from lar.contracts import Array, Data, HostArray, Query, Tree

LANES = 16
BLOCK = 64
INT32_MIN = -(2**31)

Ids = Callable[[Any, Array, int], Array]
Words = Callable[[Any, Array, Array], Array]


def as_asked(xp: Any, ids: Array, rows: int) -> Array:
    """Return the ids as they are."""
    return ids


def fetched(xp: Any, values: Array, ids: Array) -> Array:
    """Return the rows as they are."""
    return xp.take(values, ids, axis=0)


@dataclass(frozen=True)
class Steps:
    """The kernel made of them; the plain one by default."""

    ids: Ids = as_asked
    words: Words = fetched

    def prepare(self, xp: Any, data: Data) -> Tree:
        """Keep the rows."""
        return {"values": data["values"]}

    def run(self, xp: Any, state: Tree, query: Query, /) -> tuple[Array]:
        """Fetch the rows."""
        values = state["values"]
        ids = self.ids(xp, ops.bitcast(xp, query, xp.int32), values.shape[0])
        return (self.words(xp, values, ids),)


# ---- ids followed wrongly ------------------------------------------------------------------------------------------


def one_too_high(xp: Any, ids: Array, rows: int) -> Array:
    """Count rows from 1."""
    return xp.where(ids < rows - 1, ids + 1, ids)


def one_too_low(xp: Any, ids: Array, rows: int) -> Array:
    """Count rows from -1."""
    return xp.where(ids > 0, ids - 1, ids)


def cut_to(bits: int) -> Ids:
    """Return ids of which only so many bits are kept."""
    return lambda xp, ids, rows: ids & ((1 << bits) - 1)


def rounded_to(bits: int) -> Ids:
    """Return ids that passed through a float of so many bits of mantissa."""

    def rounded(xp: Any, ids: Array, rows: int) -> Array:
        for size in range(bits, 31):
            ids = xp.where(ids >= 1 << size, (ids >> (size + 1 - bits)) << (size + 1 - bits), ids)
        return ids

    return rounded


def in_order(xp: Any, ids: Array, rows: int) -> Array:
    """Fetch rows in the order of the table."""
    return xp.take(ids, xp.astype(xp.argsort(ids, stable=True), xp.int32))


def no_tail(length: int) -> Ids:
    """Return ids that are 0 behind the last whole block of so many."""

    def cut(xp: Any, ids: Array, rows: int) -> Array:
        n = ids.shape[0]
        return xp.where(ops.iota(xp, n, ids) < n - n % length, ids, 0)

    return cut


def last_missed(xp: Any, ids: Array, rows: int) -> Array:
    """Stop one id short."""
    n = ids.shape[0]
    return xp.where(ops.iota(xp, n, ids) < n - 1, ids, 0)


def neighbours_swapped(xp: Any, ids: Array, rows: int) -> Array:
    """Write each pair of results the other way round."""
    n = ids.shape[0]
    place = ops.iota(xp, n, ids) ^ 1
    return xp.take(ids, xp.where(place < n, place, n - 1))


def a_run_where(looks_like_one: Callable[[Any, Array], Array]) -> Ids:
    """Return ids of which sixteen are taken for a run of the first if `looks_like_one` says so of (n / 16, 16)."""

    def runs(xp: Any, ids: Array, rows: int) -> Array:
        n = ids.shape[0]
        whole = n - n % LANES
        if whole == 0:
            return ids
        blocks = xp.reshape(ids[:whole], (-1, LANES))
        lanes = xp.reshape(ops.iota(xp, LANES, ids), (1, LANES))
        run = xp.minimum(blocks[:, :1] + lanes, xp.full_like(blocks, rows - 1))
        found = xp.reshape(xp.where(looks_like_one(xp, blocks)[:, None], run, blocks), (-1,))
        return xp.concat([found, ids[whole:]])

    return runs


def below(limit: Callable[[int], int]) -> Ids:
    """Return ids that never reach the rows from ``limit(N)`` on."""
    return lambda xp, ids, rows: xp.where(ids < limit(rows), ids, limit(rows) - 1)


# ---- words fetched or carried wrongly ------------------------------------------------------------------------------


def of_words(change: Callable[[Any, Array], Array]) -> Words:
    """Return rows each word of which is changed alike."""
    return lambda xp, values, ids: change(xp, fetched(xp, values, ids))


def at(address: Callable[[Array, Array, int, int], Array]) -> Words:
    """Return words of the flattened table, from ``address(ids, columns, N, W)``."""

    def words(xp: Any, values: Array, ids: Array) -> Array:
        rows, width = values.shape
        place = address(ids[:, None], xp.reshape(ops.iota(xp, width, ids), (1, width)), rows, width)
        last = xp.full_like(place, rows * width - 1)
        place = xp.reshape(xp.maximum(xp.minimum(place, last), xp.zeros_like(place)), (-1,))
        return xp.reshape(xp.take(xp.reshape(values, (-1,)), place), (ids.shape[0], width))

    return words


def columns_where(kept: Callable[[Array, int], Array]) -> Words:
    """Return rows whose words are 0 but in the columns that are kept."""

    def words(xp: Any, values: Array, ids: Array) -> Array:
        rows, width = fetched(xp, values, ids), values.shape[1]
        return xp.where(kept(ops.iota(xp, width, ids), width)[None, :], rows, 0)

    return words


def whole_vectors(columns: Array, width: int) -> Array:
    """Say which columns lie in whole vectors of sixteen words; the first sixteen count as whole."""
    return columns < max(width // LANES, 1) * LANES


def each_row_once(xp: Any, values: Array, ids: Array) -> Array:
    """Fetch a row for one of the ids that name it, and nothing for the others."""
    order = xp.astype(xp.argsort(ids, stable=True), xp.int32)
    ordered = xp.take(ids, order)
    again = xp.concat([xp.zeros_like(ordered[:1]), xp.astype(ordered[1:] == ordered[:-1], xp.int32)])
    again = xp.take(again, xp.astype(xp.argsort(order, stable=True), xp.int32))
    return xp.where((again == 0)[:, None], fetched(xp, values, ids), 0)


def overrun(xp: Any, values: Array, ids: Array) -> Array:
    """Let each row but the first overwrite the last word of the one before it, as rows written backwards do."""
    rows = fetched(xp, values, ids)
    following = xp.concat([rows[1:, :1], rows[-1:, -1:]])
    return xp.concat([rows[:, :-1], following], axis=1)


def quiet(xp: Any, words: Array) -> Array:
    """Make every NaN a quiet one, as a detour over the floating-point unit may."""
    is_nan = ((words & 0x7F800000) == 0x7F800000) & ((words & 0x7FFFFF) != 0)
    return xp.where(is_nan, words | 0x400000, words)


def flushed(xp: Any, words: Array) -> Array:
    """Take subnormal floats for zero, as XLA's arithmetic on a CPU does."""
    return xp.where((words & 0x7F800000) == 0, words & INT32_MIN, words)


def swapped(xp: Any, words: Array) -> Array:
    """Swap the bytes of each word."""
    high = ops.lsr(xp, words, 24) | (ops.lsr(xp, words, 8) & 0xFF00)
    return high | ((words & 0xFF00) << 8) | (words << 24)


# ---- outputs spoilt ------------------------------------------------------------------------------------------------


def rows(function: Callable[[HostArray], Any]) -> Spoiler:
    """Spoil the rows."""
    return lambda a: (function(a.outputs[0]),)


def _other_case(answers: Answers) -> Any:
    return answers.other_case or answers.outputs


MUTANTS: list[Variant] = [
    wrong("ids one too high", Steps(one_too_high)),
    wrong("ids one too low", Steps(one_too_low)),
    wrong("ids cut to a byte", Steps(cut_to(8))),
    wrong("ids cut to 12 bits", Steps(cut_to(12))),
    wrong("ids cut to 16 bits", Steps(cut_to(16))),
    wrong("ids as float16", Steps(rounded_to(11))),
    wrong("ids as bfloat16", Steps(rounded_to(8))),
    wrong("rows in the order of the table", Steps(in_order)),
    wrong("neighbours swapped", Steps(neighbours_swapped)),
    wrong("last id never followed", Steps(last_missed)),
    wrong("ids behind the last sixteen never followed", Steps(no_tail(LANES))),
    wrong("ids behind the last block never followed", Steps(no_tail(BLOCK))),
    wrong("a run where sixteen ids end as one", Steps(a_run_where(lambda xp, b: b[:, -1] - b[:, 0] == LANES - 1))),
    wrong("a run where sixteen ids begin as one", Steps(a_run_where(lambda xp, b: b[:, 1] - b[:, 0] == 1))),
    wrong("a run where sixteen ids are equal", Steps(a_run_where(lambda xp, b: b[:, -1] == b[:, 0]))),
    wrong("a run where ids ascend", Steps(a_run_where(lambda xp, b: b[:, -1] > b[:, 0]))),
    wrong("last row never reached", Steps(below(lambda rows: max(rows - 1, 1)))),
    wrong("right for ids below 4096", Steps(below(lambda rows: min(rows, 4_096)))),
    wrong("each row once", Steps(words=each_row_once)),
    wrong("rows one word short", Steps(words=at(lambda i, j, rows, width: i * (width - 1) + j))),
    wrong("rows of the next power of two", Steps(words=at(lambda i, j, rows, w: i * (1 << (w - 1).bit_length()) + j))),
    wrong("columns taken for rows", Steps(words=at(lambda i, j, rows, width: j * rows + i))),
    wrong("words from one place further", Steps(words=at(lambda i, j, rows, width: i * width + j + 1))),
    wrong("words backwards", Steps(words=at(lambda i, j, rows, width: i * width + width - 1 - j))),
    wrong("last word never written", Steps(words=columns_where(lambda j, width: j < max(width - 1, 1)))),
    wrong("words behind the last sixteen never written", Steps(words=columns_where(whole_vectors))),
    wrong("words behind the first sixteen never written", Steps(words=columns_where(lambda j, width: j < LANES))),
    wrong("last word overwritten by the next row", Steps(words=overrun)),
    wrong("signalling NaN made quiet", Steps(words=of_words(quiet))),
    wrong("subnormals flushed", Steps(words=of_words(flushed))),
    wrong("-0.0 made 0.0", Steps(words=of_words(lambda xp, x: xp.where(x == INT32_MIN, 0, x)))),
    wrong("words cut to 24 bits", Steps(words=of_words(lambda xp, x: (x >> 8) << 8))),
    wrong("words cut to 31 bits", Steps(words=of_words(lambda xp, x: x & 0x7FFFFFFF))),
    wrong("words of the other byte order", Steps(words=of_words(swapped))),
    spoiled("another query's rows", lambda a: a.other_query, "value"),
    spoiled("another case's rows", _other_case, "value"),
    spoiled("memory poisoned with 0xCD", rows(lambda x: np.full_like(x, 0xCDCDCDCD - (1 << 32))), "value"),
    spoiled("uint32 rows", rows(lambda x: x.view(np.uint32)), "dtype"),
    spoiled("int64 rows", rows(lambda x: x.astype(np.int64)), "dtype"),
    spoiled("big-endian rows", rows(lambda x: x.astype(">i4")), "dtype"),
    spoiled("float32 rows of the same bits", rows(lambda x: x.view(np.float32)), "dtype"),
    spoiled("flattened", rows(lambda x: x.reshape(-1)), "shape"),
    spoiled("transposed", rows(lambda x: x.T if x.shape[0] != x.shape[1] else x[..., None]), "shape"),
    spoiled("one row to be broadcast", rows(lambda x: x[:1] if len(x) > 1 else x[0]), "shape"),
    spoiled("one row fewer", rows(lambda x: x[:-1]), "shape"),
    spoiled("a count beside the rows", lambda a: (*a.outputs, np.zeros((), np.int32)), "count"),
    spoiled("an array and no tuple", lambda a: a.outputs[0], "type"),
    spoiled("lists", lambda a: (a.outputs[0].tolist(),), "type"),
]
