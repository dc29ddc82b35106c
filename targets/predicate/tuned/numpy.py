"""`predicate` by numba: 64 rows become a word of bits in vector registers, and words become ids without branches.

It must be right for every value of every type, read nothing outside its arrays whatever lies in rows without a value,
and take as long for one selectivity as for another, but for what has to be written.

- Every comparison is membership in an interval of integers, or outside it: ``x < c`` is ``MIN <= x <= c - 1``. So there
  is one loop for six operators, ``x - low <= span`` without a sign. A float32 is mapped to the int32 that sorts as it
  does, both zeros to 0; NaN lies beyond the infinities and so in no interval.
- 64 rows are compared at once, their bits and-ed with the word of the validity bitmap: the mask. A second term ands
  its own into it. Rows behind the last whole 64 have a block of their own, filled up, in the state.
- Codes of 8 bits are looked up 64 at a time in a table of 256 bytes; codes of 16 bits one by one, into a block of bytes
  that is compared afterwards. A code that is in no dictionary finds a zero.
- `lar.simd.places` makes ids of each word at once, while the next rows come from the cache: they cost a sixth less than
  in a pass of their own. What is left is padded by ``memset``, which on large blocks overwrites lines without fetching
  them first: half the time of stores.

Where an instruction is missing, `lar.simd` says so, and another compiled function does the same by generic code.
"""

from typing import Any

import numpy as np
from lar.targets.predicate.form import CODES, Term, terms
from lar.targets.predicate.intervals import laid_out
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import places, streams, u8x64
from lar.simd.ranges import among32, among64, key32, u32x64, u64x64, within32, within64

ROWS = 64  # to a word
CHUNK = 4_096  # codes looked up before they are compared
AHEAD = 8_192  # bytes of a column between what is compared and what is fetched
_WORD = np.dtype(np.uint64)
_ALL = 2**64 - 1
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)
_NUMBER = np.uint64  # indices are unsigned throughout: numba wraps negative ones, at a cost
_ONE, _ROWS = _NUMBER(1), _NUMBER(ROWS)


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
        own = np.ascontiguousarray(data[term.column])
        n, kind = len(own), _TYPES[term.kind]
        values = np.require(own.view(str(kind)).reshape(-1), requirements="A")
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
    ids, count, asked = np.empty(n, np.uint32), 0, terms(predicate)
    for term in asked:
        out = ids if term is asked[-1] else ids[:0]
        count = _evaluate(term, state, query[term.column], words, out)
    ids[count:].view(np.uint8).fill(255)  # NO_ID
    return words.view(np.uint8)[: (n + 7) // 8], ids, np.array(count, np.int32)


def _words_of(bitmap: HostArray, n: int) -> HostArray:
    """Return a bitmap's bits below n as words."""
    size = (n + 7) // 8
    words = np.zeros(-(-n // ROWS), _WORD)
    words.view(np.uint8)[:size] = bitmap[:size]
    words[-1] &= _NUMBER(_ALL >> (-n % ROWS))
    return words


# ---- a term ----------------------------------------------------------------------------------------------


def _evaluate(term: Term, state: Tree, constants: HostArray, words: HostArray, ids: HostArray) -> int:
    """Write a first term's mask, or and another one's into it; write the ids, where there is room for them."""
    valid, before = state[term.bitmap], words
    if term.operator == "is null":
        if term.column == "a":
            words[:] = _NUMBER(_ALL)
            words[-1] = _NUMBER(_ALL >> (-len(state["a"]) % ROWS))
        return int(_nulls(valid, np.array([_ALL * int(constants[0])], _WORD), words, ids))
    if term.column == "a":
        before = valid
    values, rest = state[term.column], state[f"{term.column}_rest"]
    return int(_kernel_of(term)(values, rest, valid, before, laid_out(term, constants), words, ids))


# ---- 64 rows to a word -----------------------------------------------------------------------------------------------


# To ask for a feature takes longer than a call.
_U8_AT_ONCE = simd.supports("lookup256")
_append = places.append_by_words if simd.supports("compress") else places.append_singly
if simd.supports("expand8"):
    _append = places.append_by_bytes


@_inlined
def _write(word: Any, w: Any, words: HostArray, ids: HostArray, written: Any) -> Any:
    """Write a word of the mask, and the ids of its rows where there is room for them."""
    words[w] = word
    if ids.size == 0:
        return written
    if (w + _ONE) * _ROWS <= ids.size:
        return _append(word, w * _ROWS, ids, written)
    return places.append_exactly(word, w * _ROWS, ids, written)


@_inlined
def _sweep(
    hits: Any,
    values: HostArray,
    rest: HostArray,
    valid: HostArray,
    before: HostArray,
    constants: HostArray,
    words: HostArray,
    ids: HostArray,
) -> Any:
    """Go through a column: ``hits(values, at, constants)`` are the bits of the 64 rows from `at` on.

    `before` is what the other term says, or `valid` once more. Returns how many ids were written.
    """
    whole, written = _NUMBER(values.size) // _ROWS, _NUMBER(0)
    line, ahead = _NUMBER(simd.LINE // values.itemsize), _NUMBER(AHEAD // values.itemsize)
    for w in range(whole):
        for item in range(w * _ROWS, w * _ROWS + _ROWS, line):
            streams.prefetch(values, item + ahead)
        word = hits(values, w * _ROWS, constants) & valid[w] & before[w]
        written = _write(word, w, words, ids, written)
    if whole < words.size:
        word = hits(rest, _NUMBER(0), constants) & valid[whole] & before[whole]
        written = _write(word, whole, words, ids, written)
    return written


@_inlined
def _i32_within_at(values: HostArray, at: Any, bounds: HostArray) -> Any:
    return within32(simd.load(u32x64, values, at), bounds)


@_inlined
def _f32_within_at(values: HostArray, at: Any, bounds: HostArray) -> Any:
    return within32(key32(simd.load(u32x64, values, at)), bounds)


@_inlined
def _i64_within_at(values: HostArray, at: Any, bounds: HostArray) -> Any:
    return within64(simd.load(u64x64, values, at), bounds)


@_inlined
def _i32_among_at(values: HostArray, at: Any, keys: HostArray) -> Any:
    return among32(simd.load(u32x64, values, at), keys)


@_inlined
def _f32_among_at(values: HostArray, at: Any, keys: HostArray) -> Any:
    return among32(key32(simd.load(u32x64, values, at)), keys)


@_inlined
def _i64_among_at(values: HostArray, at: Any, keys: HostArray) -> Any:
    return among64(simd.load(u64x64, values, at), keys)


@_inlined
def _u8_in_at(codes: HostArray, at: Any, table: HostArray) -> Any:
    return simd.bits(simd.lookup256(table, 0, simd.load(u8x64, codes, at)) != simd.splat(u8x64, 0))


@_compiled
def _i32_within(values: Any, rest: Any, valid: Any, before: Any, bounds: Any, words: Any, ids: Any) -> Any:
    return _sweep(_i32_within_at, values, rest, valid, before, bounds, words, ids)


@_compiled
def _f32_within(values: Any, rest: Any, valid: Any, before: Any, bounds: Any, words: Any, ids: Any) -> Any:
    return _sweep(_f32_within_at, values, rest, valid, before, bounds, words, ids)


@_compiled
def _i64_within(values: Any, rest: Any, valid: Any, before: Any, bounds: Any, words: Any, ids: Any) -> Any:
    return _sweep(_i64_within_at, values, rest, valid, before, bounds, words, ids)


@_compiled
def _i32_among(values: Any, rest: Any, valid: Any, before: Any, keys: Any, words: Any, ids: Any) -> Any:
    return _sweep(_i32_among_at, values, rest, valid, before, keys, words, ids)


@_compiled
def _f32_among(values: Any, rest: Any, valid: Any, before: Any, keys: Any, words: Any, ids: Any) -> Any:
    return _sweep(_f32_among_at, values, rest, valid, before, keys, words, ids)


@_compiled
def _i64_among(values: Any, rest: Any, valid: Any, before: Any, keys: Any, words: Any, ids: Any) -> Any:
    return _sweep(_i64_among_at, values, rest, valid, before, keys, words, ids)


@_compiled
def _u8_in(values: Any, rest: Any, valid: Any, before: Any, table: Any, words: Any, ids: Any) -> Any:
    return _sweep(_u8_in_at, values, rest, valid, before, table, words, ids)


@_inlined
def _look_up(values: Any, valid: Any, before: Any, table: Any, words: Any, ids: Any) -> Any:
    """Look codes up one by one: two loads and a store each, and nothing that waits for another."""
    found, written = np.empty(CHUNK + ROWS, np.uint8), _NUMBER(0)
    for start in range(0, values.size, CHUNK):
        block = values[start : start + CHUNK]
        for i in range(block.size):
            found[i] = table[block[i]]
        found[block.size : block.size + ROWS] = 0
        for i in range(0, block.size, ROWS):
            w = _NUMBER(start + i) // _ROWS
            word = simd.bits(simd.load(u8x64, found, i) != simd.splat(u8x64, 0)) & valid[w] & before[w]
            written = _write(word, w, words, ids, written)
    return written


@_compiled
def _u8_in_singly(values: Any, _rest: Any, valid: Any, before: Any, table: Any, words: Any, ids: Any) -> Any:
    return _look_up(values, valid, before, table, words, ids)


@_compiled
def _u16_in(values: Any, _rest: Any, valid: Any, before: Any, table: Any, words: Any, ids: Any) -> Any:
    return _look_up(values, valid, before, table, words, ids)


@_compiled
def _nulls(valid: Any, wanted: Any, words: Any, ids: Any) -> Any:
    written = _NUMBER(0)
    for w in range(_NUMBER(words.size)):
        written = _write(words[w] & (valid[w] ^ wanted[0]), w, words, ids, written)
    return written


# ---- which of them ---------------------------------------------------------------------------------------------------

_WITHIN = {"i32": _i32_within, "i64": _i64_within, "f32": _f32_within}
_AMONG = {"i32": _i32_among, "i64": _i64_among, "f32": _f32_among}
_TYPES = {"i32": types.uint32, "f32": types.uint32, "i64": types.uint64, "u8": types.uint8, "u16": types.uint16}
_WORDS, _IDS = types.uint64[::1], types.uint32[::1]


def _kernel_of(term: Term) -> Any:
    if term.kind in CODES:
        return (_u8_in if _U8_AT_ONCE else _u8_in_singly) if term.kind == "u8" else _u16_in
    return (_AMONG if term.operator == "in" else _WITHIN)[term.kind]


def _compile(term: Term) -> None:
    if term.operator == "is null":
        simd.compile_once(_nulls, (_WORDS, _WORDS), (_WORDS, _IDS))
    else:
        column = _TYPES[term.kind][::1]
        constants = types.uint8[::1] if term.kind in CODES else column
        simd.compile_once(_kernel_of(term), (column, column, _WORDS, _WORDS, constants), (_WORDS, _IDS))
