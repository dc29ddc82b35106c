"""`predicate` by numba: 64 rows become a word of bits in vector registers, and words become ids without branches.

It must be right for every value of every type, read nothing outside its arrays whatever lies in rows without a value,
and take as long for one selectivity as for another, but for what has to be written.

- Every comparison is membership in an interval of integers, or outside it: ``x < c`` is ``MIN <= x <= c - 1``. So there
  is one loop for six operators, ``x - low <= span`` without a sign. A float32 is mapped to the int32 that sorts as it
  does, both zeros to 0; NaN lies beyond the infinities and so in no interval.
- 64 rows are compared at once, their bits and-ed with the word of the validity bitmap: the mask. A second term ands
  its own into it. Rows behind the last whole 64 have a block of their own, filled up, in the state.
- Codes of 8 bits are looked up 64 at a time in a table of 256 bytes; codes of 16 bits are gathered, sixteen at a time,
  from a bitmap of 8 KiB. A code that is in no dictionary finds a zero.
- `lar.simd.places` makes ids of the words.

Where an instruction is missing, `lar.simd` says so, and another compiled function does the same by generic code.
"""

from typing import Any

import numpy as np
from lar.targets.predicate.form import CODES, Term, terms
from numba import njit, types

from lar import simd
from lar.contracts import NO_ID, Array, Data, HostArray, Query, Tree
from lar.simd import places, u8x64, u32x16
from lar.simd.gathering import gather
from lar.simd.vector import Vector

ROWS = 64  # to a word
_u16x16, _u32x64, _u64x64 = Vector(types.uint16, 16), Vector(types.uint32, 64), Vector(types.uint64, 64)
_WORD = np.dtype(np.uint64)
_ALL = 2**64 - 1
_INFINITY = 0x7F800000
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)
_NUMBER = np.uint64  # indices are unsigned throughout: numba wraps negative ones, at a cost
_ROWS, _LANES = _NUMBER(ROWS), _NUMBER(16)


def prepare(xp: Any, data: Data, *, predicate: str) -> Tree:
    """Cut the columns into blocks of 64 rows, the last one filled up, and compile.

    Parameters
    ----------
    xp : module
        Not used; every kernel is given it.
    data : dict
        The columns and their bitmaps, as ``prepare`` in `portable.py` says.
    predicate : str
        The form.

    Returns
    -------
    dict of arrays
        Of each column: ``a`` as words of its own width, ``a_rest`` the last block, ``a_valid`` uint64 (ceil(n / 64),)
        without the bits that belong to no row.
    """
    del xp
    state = {}
    for term in terms(predicate):
        values = np.ascontiguousarray(data[term.column])
        n = len(values)
        wide = values.view(np.uint64).reshape(-1) if term.kind == "i64" else values
        values = wide if term.kind in CODES or term.kind == "i64" else wide.view(np.uint32)
        rest = np.zeros(ROWS, values.dtype)
        rest[: n % ROWS] = values[n - n % ROWS :]
        state[term.column], state[f"{term.column}_rest"] = values, rest
        state[term.bitmap] = _words_of(data[term.bitmap], n)
        _compile(term)
    return state


def run(xp: Any, state: Tree, query: Query, /, *, predicate: str) -> tuple[Array, Array, Array]:
    """Return (mask, ids, count); arguments and results are those of ``run`` in `portable.py`."""
    del xp
    n, words = len(state["a"]), np.empty(len(state["a_valid"]), _WORD)
    for term in terms(predicate):
        _evaluate(term, state, query[term.column], words)
    ids = np.empty(n, np.uint32)
    count = _ids_of()(words, ids)
    ids[count:] = NO_ID
    return words.view(np.uint8)[: (n + 7) // 8], ids, np.array(count, np.int32)


def _words_of(bitmap: HostArray, n: int) -> HostArray:
    """Return a bitmap's bits below n as words."""
    size = (n + 7) // 8
    words = np.zeros(-(-n // ROWS), _WORD)
    words.view(np.uint8)[:size] = bitmap[:size]
    words[-1] &= _NUMBER(_ALL >> (-n % ROWS))
    return words


# ---- a term's constants ----------------------------------------------------------------------------------------------


def _evaluate(term: Term, state: Tree, constants: HostArray, words: HostArray) -> None:
    """Write a first term's mask, or and another one's into it."""
    valid, first = state[term.bitmap], term.column == "a"
    kernel = _kernel_of(term)
    if term.operator == "is null":
        if first:
            words[:] = _NUMBER(_ALL)
            words[-1] = _NUMBER(_ALL >> (-len(state["a"]) % ROWS))
        kernel(valid, np.array([_ALL * int(constants[0])], _WORD), words)
        return
    values, rest = state[term.column], state[f"{term.column}_rest"]
    kernel(values, rest, valid, valid if first else words, _laid_out(term, constants), words)


def _laid_out(term: Term, constants: HostArray) -> HostArray:
    """Return a term's constants as its kernel wants them: an interval, keys, or a set."""
    if term.kind == "u8":
        table = np.zeros(256, np.uint8)
        table[: 8 * len(constants)] = np.unpackbits(constants, bitorder="little")
        return table
    if term.kind == "u16":
        chosen = np.zeros(8_192, np.uint8)
        chosen[: len(constants)] = constants
        return chosen.view(np.uint32)
    if term.operator == "in":
        return constants.view(np.uint64).reshape(-1) if term.kind == "i64" else _keys(term, constants).view(np.uint32)
    if term.kind == "i64":
        return np.array(_interval(term.operator, int(constants.view(np.int64)[0, 0]), -(2**63), 64), np.uint64)
    key = int(_keys(term, constants)[0])
    number = None if key == -(2**31) and term.kind == "f32" else key
    least = -_INFINITY if term.kind == "f32" else -(2**31)
    return np.array(_interval(term.operator, number, least, 32), np.uint32)


def _keys(term: Term, constants: HostArray) -> HostArray:
    """Return int32 that sort as the constants do; for a NaN the one that no float32 has."""
    if term.kind == "i32":
        return constants
    found: HostArray = constants.view(np.int32)
    magnitude = found & 0x7FFFFFFF
    found = np.where(found < 0, -magnitude, magnitude)
    return np.where(magnitude > _INFINITY, np.int32(-(2**31)), found)


def _interval(operator: str, constant: int | None, least: int, width: int) -> tuple[int, int, int]:
    """Return (low, span, outside): what the operator selects is ``low <= x <= low + span``, or what is not.

    `constant` is None for a NaN; `least` is the smallest value there is to select, -`least` or ``-least - 1`` the
    largest.
    """
    most = -least if least == -_INFINITY else -least - 1
    first, last = 1, 0  # nothing
    if constant is not None:
        first, last = {
            "<": (least, constant - 1),
            "<=": (least, constant),
            ">": (constant + 1, most),
            ">=": (constant, most),
        }.get(operator, (constant, constant))
    outside = operator == "<>"
    if first > last:
        first, last, outside = -(2 ** (width - 1)), 2 ** (width - 1) - 1, not outside
    return first % 2**width, last - first, int(outside)


# ---- 64 rows to a word -----------------------------------------------------------------------------------------------


@_inlined
def _key(x: Any) -> Any:
    """Return the keys of 64 float32, given as their bits."""
    magnitude = x & simd.splat(_u32x64, 0x7FFFFFFF)
    return simd.select(x > simd.splat(_u32x64, 0x7FFFFFFF), simd.splat(_u32x64, 0) - magnitude, magnitude)


@_inlined
def _whole(n: int) -> Any:
    return _NUMBER(n) // _ROWS


@_compiled
def _i32_within(
    values: HostArray, rest: HostArray, valid: HostArray, before: HostArray, bounds: HostArray, words: HostArray
) -> None:
    low, span = simd.splat(_u32x64, bounds[0]), simd.splat(_u32x64, bounds[1])
    outside = _NUMBER(0) - _NUMBER(bounds[2])
    for w in range(_whole(values.size)):
        hit = simd.bits(simd.load(_u32x64, values, w * _ROWS) - low <= span) ^ outside
        words[w] = hit & valid[w] & before[w]
    if values.size % ROWS:
        w = _whole(values.size)
        hit = simd.bits(simd.load(_u32x64, rest, 0) - low <= span) ^ outside
        words[w] = hit & valid[w] & before[w]


@_compiled
def _f32_within(
    values: HostArray, rest: HostArray, valid: HostArray, before: HostArray, bounds: HostArray, words: HostArray
) -> None:
    low, span = simd.splat(_u32x64, bounds[0]), simd.splat(_u32x64, bounds[1])
    outside = _NUMBER(0) - _NUMBER(bounds[2])
    for w in range(_whole(values.size)):
        hit = simd.bits(_key(simd.load(_u32x64, values, w * _ROWS)) - low <= span) ^ outside
        words[w] = hit & valid[w] & before[w]
    if values.size % ROWS:
        w = _whole(values.size)
        hit = simd.bits(_key(simd.load(_u32x64, rest, 0)) - low <= span) ^ outside
        words[w] = hit & valid[w] & before[w]


@_compiled
def _i64_within(
    values: HostArray, rest: HostArray, valid: HostArray, before: HostArray, bounds: HostArray, words: HostArray
) -> None:
    low, span = simd.splat(_u64x64, bounds[0]), simd.splat(_u64x64, bounds[1])
    outside = _NUMBER(0) - bounds[2]
    for w in range(_whole(values.size)):
        hit = simd.bits(simd.load(_u64x64, values, w * _ROWS) - low <= span) ^ outside
        words[w] = hit & valid[w] & before[w]
    if values.size % ROWS:
        w = _whole(values.size)
        hit = simd.bits(simd.load(_u64x64, rest, 0) - low <= span) ^ outside
        words[w] = hit & valid[w] & before[w]


@_inlined
def _among32(x: Any, keys: HostArray) -> Any:
    """Return the bits of the 64 rows that are equal to one of the keys."""
    missing = x != simd.splat(_u32x64, keys[0])
    for j in range(1, keys.size):
        missing = missing & (x != simd.splat(_u32x64, keys[j]))
    return ~simd.bits(missing)


@_inlined
def _among64(x: Any, keys: HostArray) -> Any:
    missing = x != simd.splat(_u64x64, keys[0])
    for j in range(1, keys.size):
        missing = missing & (x != simd.splat(_u64x64, keys[j]))
    return ~simd.bits(missing)


@_compiled
def _i32_among(
    values: HostArray, rest: HostArray, valid: HostArray, before: HostArray, keys: HostArray, words: HostArray
) -> None:
    for w in range(_whole(values.size)):
        words[w] = _among32(simd.load(_u32x64, values, w * _ROWS), keys) & valid[w] & before[w]
    if values.size % ROWS:
        w = _whole(values.size)
        words[w] = _among32(simd.load(_u32x64, rest, 0), keys) & valid[w] & before[w]


@_compiled
def _f32_among(
    values: HostArray, rest: HostArray, valid: HostArray, before: HostArray, keys: HostArray, words: HostArray
) -> None:
    for w in range(_whole(values.size)):
        words[w] = _among32(_key(simd.load(_u32x64, values, w * _ROWS)), keys) & valid[w] & before[w]
    if values.size % ROWS:
        w = _whole(values.size)
        words[w] = _among32(_key(simd.load(_u32x64, rest, 0)), keys) & valid[w] & before[w]


@_compiled
def _i64_among(
    values: HostArray, rest: HostArray, valid: HostArray, before: HostArray, keys: HostArray, words: HostArray
) -> None:
    for w in range(_whole(values.size)):
        words[w] = _among64(simd.load(_u64x64, values, w * _ROWS), keys) & valid[w] & before[w]
    if values.size % ROWS:
        w = _whole(values.size)
        words[w] = _among64(simd.load(_u64x64, rest, 0), keys) & valid[w] & before[w]


@_compiled
def _u8_in(
    values: HostArray, rest: HostArray, valid: HostArray, before: HostArray, table: HostArray, words: HostArray
) -> None:
    none = simd.splat(u8x64, 0)
    for w in range(_whole(values.size)):
        hit = simd.bits(simd.lookup256(table, 0, simd.load(u8x64, values, w * _ROWS)) != none)
        words[w] = hit & valid[w] & before[w]
    if values.size % ROWS:
        w = _whole(values.size)
        words[w] = simd.bits(simd.lookup256(table, 0, simd.load(u8x64, rest, 0)) != none) & valid[w] & before[w]


@_compiled
def _u8_in_singly(
    values: HostArray, rest: HostArray, valid: HostArray, before: HostArray, table: HostArray, words: HostArray
) -> None:
    for w in range(_NUMBER(words.size)):
        block, start = (values, w * _ROWS) if w < _whole(values.size) else (rest, _NUMBER(0))
        hit = _NUMBER(0)
        for i in range(_NUMBER(0), _ROWS):
            hit |= _NUMBER(table[block[start + i]]) << i
        words[w] = hit & valid[w] & before[w]


@_inlined
def _gathered(codes: HostArray, at: Any, chosen: HostArray) -> Any:
    """Return the bits of the 64 rows from `at` on whose codes are in a bitmap of 2**16."""
    found = _NUMBER(0)
    for i in range(_NUMBER(0), _ROWS, _LANES):
        code = simd.convert(u32x16, simd.load(_u16x16, codes, at + i))
        bit = simd.splat(u32x16, 1) << (code & simd.splat(u32x16, 31))
        some = gather(chosen, code >> simd.splat(u32x16, 5)) & bit
        found |= simd.bits(some != simd.splat(u32x16, 0)) << i
    return found


@_compiled
def _u16_in(
    values: HostArray, rest: HostArray, valid: HostArray, before: HostArray, chosen: HostArray, words: HostArray
) -> None:
    for w in range(_whole(values.size)):
        words[w] = _gathered(values, w * _ROWS, chosen) & valid[w] & before[w]
    if values.size % ROWS:
        w = _whole(values.size)
        words[w] = _gathered(rest, 0, chosen) & valid[w] & before[w]


@_compiled
def _u16_in_singly(
    values: HostArray, rest: HostArray, valid: HostArray, before: HostArray, chosen: HostArray, words: HostArray
) -> None:
    for w in range(_NUMBER(words.size)):
        block, start = (values, w * _ROWS) if w < _whole(values.size) else (rest, _NUMBER(0))
        hit = _NUMBER(0)
        for i in range(_NUMBER(0), _ROWS):
            code = _NUMBER(block[start + i])
            hit |= (_NUMBER(chosen[code >> _NUMBER(5)]) >> (code & _NUMBER(31)) & _NUMBER(1)) << i
        words[w] = hit & valid[w] & before[w]


@_compiled
def _nulls(valid: HostArray, wanted: HostArray, words: HostArray) -> None:
    for w in range(words.size):
        words[w] &= valid[w] ^ wanted[0]


# ---- which of them ---------------------------------------------------------------------------------------------------

_TYPES = {"i32": types.uint32, "f32": types.uint32, "i64": types.uint64, "u8": types.uint8, "u16": types.uint16}
_WORDS = types.uint64[::1]


def _kernel_of(term: Term) -> Any:
    if term.operator == "is null":
        return _nulls
    if term.kind == "u8":
        return _u8_in if simd.supports("lookup256") else _u8_in_singly
    if term.kind == "u16":
        return _u16_in if simd.supports("gather") else _u16_in_singly
    within = {"i32": _i32_within, "i64": _i64_within, "f32": _f32_within}
    among = {"i32": _i32_among, "i64": _i64_among, "f32": _f32_among}
    return (among if term.operator == "in" else within)[term.kind]


def _ids_of() -> Any:
    """Return what makes ids of words, the best there is for this processor."""
    if simd.supports("expand8"):
        return places.write_by_bytes
    return places.write_by_words if simd.supports("compress") else places.write_singly


def _compile(term: Term) -> None:
    if term.operator == "is null":
        simd.compile_once(_nulls, (_WORDS, _WORDS), (_WORDS,))
    else:
        column = _TYPES[term.kind][::1]
        constants = types.uint32[::1] if term.kind == "u16" else column
        simd.compile_once(_kernel_of(term), (column, column, _WORDS, _WORDS, constants), (_WORDS,))
    simd.compile_once(_ids_of(), (_WORDS,), (types.uint32[::1],))
