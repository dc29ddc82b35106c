"""Vectors to and from contiguous arrays, arrays that start at a cache line, and functions that take read-only ones."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit, types
from numba.np.arrayobj import make_array

from lar.simd.vector import Type, Value, Vector, ternary

LINE = 64
"""Bytes of a cache line, and of the widest vector."""


def holds(array: Type, vector: Type) -> bool:
    """Say whether `array` is a contiguous array of the vector's scalar type."""
    return (
        isinstance(vector, Vector)
        and isinstance(array, types.Array)
        and array.layout == "C"
        and array.dtype == vector.scalar
    )


def load_at(context: Any, builder: Any, arguments: tuple[Type, Value, Type, Value], vector: Vector) -> Value:
    """Emit a load from ``(array type, array, index type, index)``."""
    loaded = builder.load(_pointer(context, builder, arguments, vector))
    loaded.align = vector.width // 8
    return loaded


def _pointer(context: Any, builder: Any, arguments: tuple[Type, Value, Type, Value], vector: Vector) -> Value:
    array_type, array, index_type, index = arguments
    data = make_array(array_type)(context, builder, array).data
    item = builder.gep(data, [context.cast(builder, index, index_type, types.intp)])
    return builder.bitcast(item, vector.ir.as_pointer())


def _load(context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    return load_at(context, builder, (kinds[1], values[1], kinds[2], values[2]), kinds[0].instance_type)


def _store(context: Any, builder: Any, kinds: Any, values: Any) -> None:
    stored = builder.store(values[2], _pointer(context, builder, (kinds[0], values[0], kinds[1], values[1]), kinds[2]))
    stored.align = kinds[2].width // 8


load = ternary(lambda kind, array, _index: kind.instance_type if holds(array, kind.instance_type) else None, _load)
"""``load(u8x64, array, index)``: the 64 items of a contiguous array from `index` on, at any alignment."""

store = ternary(lambda array, _index, value: types.void if holds(array, value) and array.mutable else None, _store)
"""``store(array, index, vector)``: overwrite the items of a contiguous array from `index` on, at any alignment."""


def aligned(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an uninitialised array that starts at a cache line, in large pages where it is large (numba's is not)."""
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    spare = np.empty(size + LINE, np.uint8)
    past = -spare.ctypes.data % LINE
    return spare[past : past + size].view(kind).reshape(shape)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def empty_aligned(size: int) -> Any:
    """Return an uninitialised uint8 array of `size` bytes that starts at a cache line: `aligned` inside numba."""
    spare = np.empty(size + LINE, np.uint8)
    past = np.int64(spare.ctypes.data % np.uint64(LINE))
    return spare[LINE - past : LINE - past + size]


def compile_once(function: Any, reads: Sequence[Type], writes: Sequence[Type]) -> None:
    """Compile a numba function for arrays that may be read-only or not; left alone, numba does so for every mixture.

    Parameters
    ----------
    function : numba dispatcher
        Takes the arrays it reads, then those it writes; from then on no others are compiled for.
    reads, writes : sequence of numba types
        ``types.float32[:, :]`` takes any strides, ``types.float32[:, ::1]`` contiguous arrays.
    """
    if not function.signatures:
        function.compile((*(kind.copy(readonly=True) for kind in reads), *writes))
        function.disable_compile()
