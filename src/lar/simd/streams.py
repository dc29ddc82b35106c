"""What a kernel knows of its memory traffic ahead of time: lines it will read, lines it will not read again.

Both are hints in generic LLVM code: a processor without them compiles them to ordinary accesses or to nothing.

A core that misses its caches on every read is bound by how many misses it has under way at once, and by how far ahead
it finds them; `prefetch` finds them earlier. A line that is overwritten whole is read first all the same, unless it is
written by `store_past`, which also keeps it out of the caches: for results larger than they are, and no others, since
whoever reads the result next has to fetch it from memory.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from lar.simd.memory import LINE, holds
from lar.simd.vector import Type, Value, binary, call, ternary

_I32 = ir.IntType(32)
_FLAGS = (0, 3, 1)  # of llvm.prefetch: for reading, into every cache, data


def _address(context: Any, builder: Any, arguments: tuple[Type, Value, Type, Value]) -> Value:
    array_type, array, index_type, index = arguments
    data = make_array(array_type)(context, builder, array).data
    return builder.gep(data, [context.cast(builder, index, index_type, types.intp)])


def _prefetch(context: Any, builder: Any, kinds: Any, values: Any) -> None:
    item = _address(context, builder, (kinds[0], values[0], kinds[1], values[1]))
    line = builder.bitcast(item, cgutils.voidptr_t)
    call(builder, "llvm.prefetch.p0", ir.VoidType(), [line, *(ir.Constant(_I32, flag) for flag in _FLAGS)])


def _store_past(context: Any, builder: Any, kinds: Any, values: Any) -> None:
    item = _address(context, builder, (kinds[0], values[0], kinds[1], values[1]))
    stored = builder.store(values[2], builder.bitcast(item, kinds[2].ir.as_pointer()))
    stored.align = LINE
    stored.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(_I32, 1)]))


def _whole_lines(array: Type, _index: Type, vector: Type) -> Type:
    fits = holds(array, vector) and array.mutable and vector.width * vector.lanes == 8 * LINE
    return types.void if fits else None


def _contiguous(array: Type, _index: Type) -> Type:
    return types.void if isinstance(array, types.Array) and array.layout == "C" else None


@intrinsic  # type: ignore[untyped-decorator]  # numba ships no types
def fence(_context: Any) -> Any:
    """``fence()``: all that was written by `store_past` is there for every core before anything written later."""

    def emit(context: Any, builder: Any, _signature: Any, _values: Any) -> Value:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), emit


prefetch = binary(_contiguous, _prefetch)
"""``prefetch(array, index)``: fetch the line of that item; of any index, since what is not there is not fetched."""

store_past = ternary(_whole_lines, _store_past)
"""``store_past(array, index, vector)``: overwrite 64 bytes that start at a cache line, past the caches."""
