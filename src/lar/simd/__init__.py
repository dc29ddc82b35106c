"""The processor's vectors as values in numba: ``a + b`` on 64 bytes is one instruction, and stays in a register.

numba compiles loops, but byte look-ups, saturating sums and masks are beyond what its optimiser finds. Here a `Vector`
is an ordinary numba type, so that a kernel which needs them still reads like scalar code and is compiled, cached and
freed of the interpreter's lock like any ``@njit`` function::

    @njit(cache=True, nogil=True)
    def brightest(pixels):                     # uint8, contiguous, its size a multiple of 64
        most = splat(u8x64, 0)
        for at in range(0, pixels.size, 64):
            most = maximum(most, load(u8x64, pixels, at))
        return highest(most)

What `FEATURES` does not name is generic LLVM code: it compiles on every processor, and a vector wider than the
machine's is split. What it names must only be compiled where `supports` says so: **LLVM does not raise on an
instruction that the processor lacks, it aborts the process**. So choose in Python between two compiled functions, never
inside one.
``NUMBA_CPU_NAME=generic``, which numba reads when it is imported, hides every feature and so forces the generic path.

Beside the vectors stand the parts that kernels have in common: `shortlist` (the k best so far), `tables` (sums of
look-ups), `products` (tables of inner products), `bounds` (sums of look-ups in bytes, from below) and `nearest` (the
search made of all these, for any `metric`).

Indices count items of the flattened array and are not checked. numba's cache knows a kernel's own file only: after an
edit here, delete the kernels' ``__pycache__``.
"""

from lar.simd.lanes import (
    bits,
    convert,
    count_ones,
    highest,
    lowest,
    maximum,
    minimum,
    multiply_add,
    multiply_high,
    reinterpret,
    saturating_add,
    saturating_subtract,
    select,
    splat,
    trailing_zeros,
)
from lar.simd.memory import LINE, aligned, compile_once, empty_aligned, load, store
from lar.simd.vector import Vector, f32x16, i32x16, u8x16, u8x64, u16x32, u32x16, u64x8
from lar.simd.x86 import FEATURES, compress, lookup256, supports

__all__ = [
    "FEATURES",
    "LINE",
    "Vector",
    "aligned",
    "bits",
    "compile_once",
    "compress",
    "convert",
    "count_ones",
    "empty_aligned",
    "f32x16",
    "highest",
    "i32x16",
    "load",
    "lookup256",
    "lowest",
    "maximum",
    "minimum",
    "multiply_add",
    "multiply_high",
    "reinterpret",
    "saturating_add",
    "saturating_subtract",
    "select",
    "splat",
    "store",
    "supports",
    "trailing_zeros",
    "u8x16",
    "u8x64",
    "u16x32",
    "u32x16",
    "u64x8",
]
