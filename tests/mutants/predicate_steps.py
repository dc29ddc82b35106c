"""The steps of a kernel of `predicate`, so that a mutant changes one of them and leaves the others right.

All compute on int32 keys and booleans, so that a mutant means the same on every backend.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lar.targets.predicate.form import CODES, Term, terms

from lar import ops
from lar.contracts import Array, Data, Query, Tree

INT32_MIN = -(2**31)
MAGNITUDE = 2**31 - 1
INFINITY = 0x7F800000

Valid = Callable[[Any, Array, int], Array]
Order = Callable[[Any, Array, Array, str], Array]
Member = Callable[[Any, Array, Array, Term, "Steps"], Array]
Join = Callable[[Any, Array, Array], Array]
Finish = Callable[[Any, Array], tuple[Array, Array, Array]]


def valid_bits(xp: Any, bitmap: Array, n: int) -> Array:
    """Return where there is a value."""
    return ops.unpack_bits(xp, bitmap, n)


def is_number(xp: Any, x: Array) -> Array:
    """Return where a float32 is not NaN."""
    return (ops.bitcast(xp, x, xp.int32) & MAGNITUDE) <= INFINITY


def less(xp: Any, x: Array, y: Array, kind: str) -> Array:
    """Return ``x < y``."""
    if kind == "i64":
        low = (x[:, 0] ^ INT32_MIN) < (y[:, 0] ^ INT32_MIN)
        return (x[:, 1] < y[:, 1]) | ((x[:, 1] == y[:, 1]) & low)
    if kind == "f32":
        return (ops.float_key(xp, x) < ops.float_key(xp, y)) & is_number(xp, x) & is_number(xp, y)
    return x < y


def equal(xp: Any, x: Array, y: Array, kind: str) -> Array:
    """Return ``x = y``."""
    if kind == "i64":
        return (x[:, 0] == y[:, 0]) & (x[:, 1] == y[:, 1])
    if kind == "f32":
        return (ops.float_key(xp, x) == ops.float_key(xp, y)) & is_number(xp, x)
    return x == y


def different(xp: Any, x: Array, y: Array, kind: str, steps: "Steps") -> Array:
    """Return ``x <> y``."""
    return xp.logical_not(steps.equal(xp, x, y, kind))


def in_list(xp: Any, values: Array, constants: Array, term: Term, steps: "Steps") -> Array:
    """Return where a number is one of the constants."""
    found = steps.equal(xp, values, constants[:1, ...], term.kind)
    for i in range(1, constants.shape[0]):
        found = found | steps.equal(xp, values, constants[i : i + 1, ...], term.kind)
    return found


def in_set(xp: Any, codes: Array, bitmap: Array, term: Term, steps: "Steps") -> Array:
    """Return where a code is in a bitmap."""
    size = 8 * bitmap.shape[0]
    codes = xp.astype(codes, xp.int32)
    return xp.take(ops.unpack_bits(xp, bitmap, size), xp.minimum(codes, xp.full_like(codes, size - 1)), axis=0)


def null_as_wanted(xp: Any, valid: Array, wanted: Array) -> Array:
    """Return where there is no value, or where there is one."""
    return xp.logical_xor(valid, wanted == 1)


def both(xp: Any, one: Array, other: Array) -> Array:
    """Return where both terms are true."""
    return one & other


def finished(xp: Any, mask: Array) -> tuple[Array, Array, Array]:
    """Return (mask, ids, count)."""
    ids, count = ops.compact(xp, mask, mask.shape[0], -1)
    return ops.pack_bits(xp, mask), ops.bitcast(xp, ids, xp.uint32), count


@dataclass(frozen=True)
class Steps:
    """The kernel made of them; the plain one by default."""

    valid: Valid = valid_bits
    less: Order = less
    equal: Order = equal
    different: Callable[..., Array] = different
    in_list: Member = in_list
    in_set: Member = in_set
    null: Join = null_as_wanted
    unknown: Join = both
    join: Join = both
    finish: Finish = finished

    def prepare(self, xp: Any, data: Data, *, predicate: str) -> Tree:
        """Keep the columns."""
        return dict(data)

    def run(self, xp: Any, state: Tree, query: Query, /, *, predicate: str) -> tuple[Array, Array, Array]:
        """Evaluate the terms and join them."""
        hits = [self.hits(xp, state, query, term) for term in terms(predicate)]
        return self.finish(xp, hits[0] if len(hits) == 1 else self.join(xp, hits[0], hits[1]))

    def hits(self, xp: Any, state: Tree, query: Query, term: Term) -> Array:
        """Return where a term is true."""
        values, constants = state[term.column], query[term.column]
        valid = self.valid(xp, state[term.bitmap], values.shape[0])
        if term.operator == "is null":
            return self.null(xp, valid, constants)
        return self.unknown(xp, self.matches(xp, values, constants, term), valid)

    def matches(self, xp: Any, values: Array, constants: Array, term: Term) -> Array:
        """Return where a term would be true, were every value one."""
        x, c, kind = values, constants, term.kind
        if term.kind in CODES:
            return self.in_set(xp, x, c, term, self)
        match term.operator:
            case "in":
                return self.in_list(xp, x, c, term, self)
            case "<>":
                return self.different(xp, x, c, kind, self)
            case "<":
                return self.less(xp, x, c, kind)
            case ">":
                return self.less(xp, c, x, kind)
            case "<=":
                return self.less(xp, x, c, kind) | self.equal(xp, x, c, kind)
            case ">=":
                return self.less(xp, c, x, kind) | self.equal(xp, x, c, kind)
            case _:
                return self.equal(xp, x, c, kind)
