"""`bitpack` by numba: 16 values an instruction, whatever their width.

- ``plain``, with a permutation of bytes (AVX-512 VBMI): 16 values are 2 w bytes. Four bytes from the one on in which a
  value begins are moved to its lane, shifted right by a place in that byte and masked. Values of more than 25 bits may
  end in a fifth byte, which a second permutation brings. Places and shifts are the same for all groups of 16.
- ``plain``, with a permutation of words (AVX2): the same, 8 values in w bytes, from two words each.
- ``plain`` otherwise, and behind the last whole vector: value by value.
- ``fastlanes``: the layout made for it, rows of 32 values from rows of words by shifts alone, on any processor. One
  function a width, with every shift a constant and every row of words loaded once.

A page is far larger than the caches near the core, so that writing the values takes most of the time. The array
returned therefore begins at a cache line: no store touches two.
"""

import functools
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import u8x64, u32x16
from lar.simd.permute import permute_bytes, permute_words, u8x32, u32x8
from lar.simd.vector import Value, call

_FORM = "bytes" if simd.supports("permute_bytes") else "words" if simd.supports("permute_words") else "single"
_WORD = np.dtype(np.uint32)
_FETCHED_AHEAD = 16  # bits of a value up to which the processor fetches packed words ahead well enough by itself
_WORDS, _OCTETS = types.uint32[::1], types.uint8[::1]
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)


def prepare(xp: Any, data: Data, *, width: int, n: int, layout: str) -> Tree:
    """Find where the values of a group lie.

    Parameters
    ----------
    xp : module
        Not used, nor is `data`: one page says nothing about the next.
    data : dict
        ``packed`` uint32 (words,).
    width, n, layout
        As in `run`.

    Returns
    -------
    dict of arrays
        For the plain layout, where lanes are permuted, ``places`` of the lanes and ``shifts`` uint32 of the values;
        empty otherwise.
    """
    del xp, data, n
    if layout == "fastlanes":
        _blocks_of(width)
        return {}
    if _FORM == "bytes":
        simd.compile_once(_unpack_by_bytes, (_WORDS, _OCTETS, _OCTETS, _WORDS), (types.int64, _WORDS))
        first = width * np.arange(16)
        places = (first[:, None] // 8 + np.arange(4)).astype(np.uint8)
        return {"places": places.reshape(-1), "shifts": (first % 8).astype(_WORD)}
    if _FORM == "words":
        simd.compile_once(_unpack_by_words, (_WORDS, _OCTETS, _WORDS, _WORDS), (types.int64, _WORDS))
        first = width * np.arange(8)
        return {"places": (first // 32).astype(_WORD), "shifts": (first % 32).astype(_WORD)}
    simd.compile_once(_unpack_singly, (_WORDS,), (types.int64, _WORDS))
    return {}


def run(xp: Any, state: Tree, query: Query, /, *, width: int, n: int, layout: str) -> tuple[Array]:
    """Unpack a page; arguments and result are those of ``run`` in `portable.py`."""
    del xp
    values = simd.aligned((n,), _WORD)
    unpack_into(state, query, width, layout, values)
    return (values,)


def unpack_into(state: Tree, query: Query, width: int, layout: str, values: HostArray) -> HostArray:
    """Unpack a page as `run` does, into an array that is there already, and return that."""
    packed = np.ascontiguousarray(query)
    if layout == "fastlanes":
        unpack_blocks, whole = _blocks_of(width), values.size // 1024
        unpack_blocks(packed, values)
        if values.size % 1024:
            last = np.empty(1024, _WORD)
            unpack_blocks(packed[whole * 32 * width :], last)
            values[whole * 1024 :] = last[: values.size % 1024]
    elif _FORM == "bytes":
        _unpack_by_bytes(packed, packed.view(np.uint8), state["places"], state["shifts"], width, values)
    elif _FORM == "words":
        _unpack_by_words(packed, packed.view(np.uint8), state["places"], state["shifts"], width, values)
    else:
        _unpack_singly(packed, width, values)
    return values


@_inlined
def _mask(width: int) -> Any:
    return (np.uint64(1) << np.uint64(width)) - np.uint64(1)


# ---- plain ---------------------------------------------------------------------------------------------------------


@_inlined
def _take_out(packed: HostArray, width: int, first: int, values: HostArray) -> None:
    """Unpack the values from number `first` on, one by one."""
    rest, mask, bit = values[first:], _mask(width), np.uint64(first) * np.uint64(width)
    # So many begin in front of the last word: they may be read from two words.
    ahead = (32 * (packed.size - 1) - first * width + width - 1) // width
    ahead = min(max(ahead, 0), rest.size)
    for i in range(ahead):
        word = bit >> np.uint64(5)
        pair = np.uint64(packed[word]) | (np.uint64(packed[word + np.uint64(1)]) << np.uint64(32))
        rest[i] = np.uint32((pair >> (bit & np.uint64(31))) & mask)
        bit += np.uint64(width)
    for i in range(ahead, rest.size):
        rest[i] = np.uint32((np.uint64(packed[bit >> np.uint64(5)]) >> (bit & np.uint64(31))) & mask)
        bit += np.uint64(width)


@_compiled
def _unpack_singly(packed: HostArray, width: int, values: HostArray) -> None:
    _take_out(packed, width, 0, values)


@_inlined
def _whole(octets: HostArray, values: HostArray, lanes: int, reach: int, step: int) -> int:
    """Return how many groups of `lanes` values, `step` bytes each, can be read `reach` bytes at a time."""
    if octets.size < reach:
        return 0
    return min(values.size // lanes, (octets.size - reach) // step + 1)


@_compiled
def _unpack_by_bytes(
    packed: HostArray, octets: HostArray, places: HostArray, shifts: HostArray, width: int, values: HostArray
) -> None:
    groups, step, at = _whole(octets, values, 16, 64, 2 * width), 2 * width, 0
    kept, right = simd.splat(u32x16, _mask(width)), simd.load(u32x16, shifts, 0)
    low = simd.load(u8x64, places, 0)
    if width <= 25:
        for i in range(0, 16 * groups, 16):
            found = simd.reinterpret(u32x16, permute_bytes(simd.load(u8x64, octets, at), low))
            simd.store(values, i, (found >> right) & kept)
            at += step
    else:
        high, left = low + simd.splat(u8x64, 1), simd.splat(u32x16, 8) - right
        for i in range(0, 16 * groups, 16):
            group = simd.load(u8x64, octets, at)
            found = simd.reinterpret(u32x16, permute_bytes(group, low)) >> right
            further = simd.reinterpret(u32x16, permute_bytes(group, high)) << left  # the same bits where both have some
            simd.store(values, i, (found | further) & kept)
            at += step
    _take_out(packed, width, 16 * groups, values)


@_compiled
def _unpack_by_words(
    packed: HostArray, octets: HostArray, places: HostArray, shifts: HostArray, width: int, values: HostArray
) -> None:
    groups, at = _whole(octets, values, 8, 32, width), 0
    kept, right, one = simd.splat(u32x8, _mask(width)), simd.load(u32x8, shifts, 0), simd.splat(u32x8, 1)
    low = simd.load(u32x8, places, 0)
    high, left = low + one, simd.splat(u32x8, 31) - right
    for i in range(0, 8 * groups, 8):
        group = simd.reinterpret(u32x8, simd.load(u8x32, octets, at))
        found = permute_words(group, low) >> right
        further = (permute_words(group, high) << one) << left  # by 1 to 32: a shift by 32 at once is undefined
        simd.store(values, i, (found | further) & kept)
        at += width
    _take_out(packed, width, 8 * groups, values)


# ---- fastlanes -----------------------------------------------------------------------------------------------------


@intrinsic
def _unpack_block(_typing: Any, width: Any, packed: Any, start: Any, values: Any, place: Any) -> Any:
    """``_unpack_block(width, packed, start, values, place)``: a block from word `start` on; `width` is a literal."""
    if not isinstance(width, types.IntegerLiteral):
        return None  # numba asks again, with the number

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Value:
        _, *kinds = signature.args
        ends = []
        for i in (0, 2):  # packed and start, values and place
            data = make_array(kinds[i])(context, builder, arguments[i + 1]).data
            ends.append(builder.gep(data, [context.cast(builder, arguments[i + 2], kinds[i + 1], types.intp)]))
        _emit_block(builder, width.literal_value, *ends)
        return context.get_dummy_value()

    return types.void(width, packed, start, values, place), codegen


def _emit_block(builder: Value, width: int, packed: Value, values: Value) -> None:
    """Emit the rows of a block, 2 x 16 lanes each; a row of words is loaded once, when the first value needs it."""
    words: dict[int, list[Value]] = {}
    for row in range(32):
        first, shift = divmod(row * width, 32)
        last = (row * width + width - 1) // 32
        for word in range(max(first, len(words)), last + 1):
            words[word] = [_load(builder, packed, 32 * word + half) for half in (0, 16)]
            if width > _FETCHED_AHEAD:
                for half in (0, 16):
                    _prefetch(builder, packed, 1024 + 32 * word + half)
        eight, s = divmod(row, 8)
        for half, low, high in zip((0, 16), words[first], words[last], strict=True):
            if last > first:
                value = call(builder, f"llvm.fshr.{u32x16.spelling}", u32x16.ir, (high, low, _all(shift)))
            else:
                value = builder.lshr(low, _all(shift))
            place = _at(builder, values, 128 * s + 32 * (0, 2, 1, 3)[eight] + half)
            builder.store(builder.and_(value, _all((1 << width) - 1)), place, align=4)


def _all(number: int) -> Value:
    return ir.Constant(u32x16.ir, [number] * u32x16.lanes)


def _at(builder: Value, end: Value, words: int, kind: Value = u32x16.ir) -> Value:
    return builder.bitcast(builder.gep(end, [ir.Constant(ir.IntType(64), words)]), kind.as_pointer())


def _load(builder: Value, end: Value, words: int) -> Value:
    return builder.load(_at(builder, end, words), align=4)


def _prefetch(builder: Value, end: Value, words: int) -> None:
    """Ask for what will be read in the next blocks; what is not there does no harm."""
    kind, flag = ir.IntType(8), ir.IntType(32)
    options = [ir.Constant(flag, option) for option in (0, 3, 1)]  # to be read, into the innermost cache, data
    call(builder, "llvm.prefetch.p0", ir.VoidType(), [_at(builder, end, words, kind), *options])


@functools.cache
def _blocks_of(width: int) -> Any:
    """Return the function that unpacks whole blocks of one width, as many as there is room for."""

    @_compiled
    def unpack_blocks(packed: HostArray, values: HostArray) -> None:
        for block in range(values.size // 1024):
            _unpack_block(width, packed, block * 32 * width, values, block * 1024)

    simd.compile_once(unpack_blocks, (_WORDS,), (_WORDS,))
    return unpack_blocks
