"""Operations that need an instruction of AVX-512; ask `supports` before compiling one."""

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core.registry import cpu_target

from lar.simd.memory import LINE, holds, load_at
from lar.simd.vector import Type, Value, Vector, binary, call, ternary, u8x64

FEATURES = {"lookup256": ("avx512vbmi", "avx512bw"), "compress": ("avx512f",)}
"""What each operation here needs from the processor, in LLVM's words."""


def supports(*operations: str) -> bool:
    """Say whether the processor has, and numba compiles for, everything that these operations need.

    Raises
    ------
    KeyError
        If one of them is not in `FEATURES`.
    """
    needed = {feature for operation in operations for feature in FEATURES[operation]}
    present = {name for name, there in binding.get_host_cpu_features().items() if there}
    compiled_for = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
    return needed <= present and {f"+{feature}" for feature in needed} <= set(compiled_for)


def _lookup256(context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    table, at, codes = values
    start = context.cast(builder, at, kinds[1], types.intp)
    parts = []
    for offset in range(0, 256, LINE):
        place = builder.add(start, ir.Constant(start.type, offset))
        parts.append(load_at(context, builder, (kinds[0], table, types.intp, place), u8x64))
    low, high = (
        call(builder, "llvm.x86.avx512.vpermi2var.qi.512", u8x64.ir, (first, codes, second))
        for first, second in (parts[:2], parts[2:])
    )
    # The instruction reads seven bits of a code; the eighth is its sign.
    return builder.select(builder.icmp_signed("<", codes, ir.Constant(u8x64.ir, None)), high, low)


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
