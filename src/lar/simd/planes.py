"""Words from planes of bytes: 64 words of eight bytes, whose first bytes lie in one vector, second ones in the next.

A table of words that a byte names is eight tables of bytes, and each can be asked 64 times by an instruction or a few
(`lookup256`). What comes out are planes; here they become words again. Generic LLVM code, which every processor can do,
and three unpack instructions a vector on x86.

Unpacking stays within a quarter of a vector, so words come out in another order than they went in. `ORDER` is the
order to put them in first, where they are still one byte each.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from lar.simd.vector import Value, u8x64, u64x8

_I32 = ir.IntType(32)
_QUARTER = 16

ORDER = np.array([8 * v + 2 * quarter + t for quarter in range(4) for v in range(8) for t in range(2)], np.uint8)
"""Which of 64 words to put into each place, so that vector v of `words_of` holds words 8 v to 8 v + 7."""


def _unpacked(builder: Any, a: Value, b: Value, width: int) -> tuple[Value, Value]:
    """Take `width` bytes of a and of b in turn, from the first halves of all quarters and from the second ones."""
    halves = []
    for half in (0, _QUARTER // 2):
        places = [
            source + quarter + half + step + byte
            for quarter in range(0, 64, _QUARTER)
            for step in range(0, _QUARTER // 2, width)
            for source in (0, 64)
            for byte in range(width)
        ]
        halves.append(builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, 64), places)))
    return halves[0], halves[1]


@intrinsic  # type: ignore[untyped-decorator]  # numba ships no types
def words_of(_context: Any, planes: Any) -> Any:
    """``words_of((p0, ..., p7))``: eight vectors of eight uint64 whose byte j comes from plane j, in the order told."""
    if planes != types.UniTuple(u8x64, 8):
        return None

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Value:
        rows = [builder.extract_value(values[0], i) for i in range(8)]
        pairs = [_unpacked(builder, rows[i], rows[i + 1], 1) for i in (0, 2, 4, 6)]
        quads = [[_unpacked(builder, pairs[i][h], pairs[i + 1][h], 2) for h in (0, 1)] for i in (0, 2)]
        words = [
            builder.bitcast(word, u64x8.ir)
            for h in (0, 1)
            for q in (0, 1)
            for word in _unpacked(builder, quads[0][h][q], quads[1][h][q], 4)
        ]
        return context.make_tuple(builder, signature.return_type, words)

    return types.UniTuple(u64x8, 8)(planes), emit
