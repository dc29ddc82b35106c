"""Operations that need AVX2 or AVX-512; ask `supports` before compiling one.

Which instructions an operation becomes is decided when it is compiled; numba caches by the features it compiles for.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from llvmlite import binding, ir
from numba import types
from numba.core.registry import cpu_target

from lar.simd.memory import LINE, holds, load_at
from lar.simd.vector import Type, Value, Vector, binary, call, ternary, u8x16, u8x64

FEATURES = {"lookup256": (("avx512vbmi", "avx512bw"), ("avx2",)), "compress": (("avx512f",),)}
"""The sets of features, in LLVM's words, any of which an operation can do with; the best first."""

_Part: TypeAlias = Callable[[Vector, int], Value]  # emits a load from so many bytes into a table

_HALF = Vector(types.uint8, 32)
_WORDS = ir.VectorType(ir.IntType(16), 16)


def supports(*operations: str) -> bool:
    """Say whether the processor has, and numba compiles for, what these operations need.

    Raises
    ------
    KeyError
        If one of them is not in `FEATURES`.
    """
    return all(any(_has(features) for features in FEATURES[operation]) for operation in operations)


def _has(features: Sequence[str]) -> bool:
    present = {name for name, there in binding.get_host_cpu_features().items() if there}
    compiled_for = set(cpu_target.target_context.codegen().magic_tuple()[2].split(","))
    return set(features) <= present and {f"+{feature}" for feature in features} <= compiled_for


def _lookup256(context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    table, at, codes = values
    start = context.cast(builder, at, kinds[1], types.intp)

    def part(vector: Vector, offset: int) -> Value:
        place = builder.add(start, ir.Constant(start.type, offset))
        return load_at(context, builder, (kinds[0], table, types.intp, place), vector)

    wide, _ = FEATURES["lookup256"]
    return (_permuted if _has(wide) else _shuffled)(builder, part, codes)


def _permuted(builder: Any, part: _Part, codes: Value) -> Value:
    """Look seven bits of a code up in 128 bytes, twice; the eighth, its sign, chooses."""
    parts = [part(u8x64, offset) for offset in range(0, 256, LINE)]
    low, high = (
        call(builder, "llvm.x86.avx512.vpermi2var.qi.512", u8x64.ir, (first, codes, second))
        for first, second in (parts[:2], parts[2:])
    )
    return builder.select(_negative(builder, codes), high, low)


def _shuffled(builder: Any, part: _Part, codes: Value) -> Value:
    """Look four bits of a code up in 16 bytes, sixteen times; the other four choose, each as the sign of a byte."""
    parts = [part(u8x16, offset) for offset in range(0, 256, 16)]
    rows = [builder.shuffle_vector(row, row, _lanes([*range(16)] * 2)) for row in parts]
    halves = []
    for first in (0, 32):
        half = builder.shuffle_vector(codes, codes, _lanes(range(first, first + 32)))
        words, low = builder.bitcast(half, _WORDS), builder.and_(half, ir.Constant(_HALF.ir, [15] * 32))
        found = [call(builder, "llvm.x86.avx2.pshuf.b", _HALF.ir, (row, low)) for row in rows]
        for bit in (4, 5, 6, 7):
            raised = builder.bitcast(builder.shl(words, ir.Constant(_WORDS, [7 - bit] * 16)), _HALF.ir)
            chosen = _negative(builder, raised)
            found = [builder.select(chosen, b, a) for a, b in zip(found[::2], found[1::2], strict=True)]
        halves += found
    return builder.shuffle_vector(*halves, _lanes(range(64)))


def _lanes(order: Sequence[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(order)), list(order))


def _negative(builder: Any, value: Value) -> Value:
    return builder.icmp_signed("<", value, ir.Constant(value.type, None))


def _compress(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    mask, vector = values
    name = f"llvm.x86.avx512.mask.compress.{kinds[1].spelling}"
    return call(builder, name, kinds[1].ir, (vector, ir.Constant(kinds[1].ir, None), mask))


def _compressible(mask: Type, vector: Type) -> Type:
    whole = isinstance(vector, Vector) and vector.width in {32, 64} and vector.width * vector.lanes == 8 * LINE
    return vector if whole and mask == Vector(types.boolean, vector.lanes) else None


lookup256 = ternary(lambda table, _index, codes: codes if holds(table, u8x64) and codes == u8x64 else None, _lookup256)
"""``lookup256(table, index, codes)``: ``table[index + code]`` for 64 codes at once; `table` is a uint8 array."""

compress = binary(_compressible, _compress)
"""``compress(mask, vector)``: the lanes that the mask keeps, moved to the front in order, and zeros behind them."""
