"""The vector type, and how an operation on it is made: from the type that it returns and the code that it emits."""

from collections.abc import Callable
from typing import Any, TypeAlias

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

Type: TypeAlias = Any  # a numba type; neither numba nor llvmlite ships annotations
Value: TypeAlias = Any  # an llvmlite value
Result: TypeAlias = Callable[..., Type]  # types of the arguments -> type returned, None where it does not apply
Emit: TypeAlias = Callable[..., Value]  # (context, builder, types of the arguments, values) -> value


class Vector(types.Type):  # type: ignore[misc]  # numba ships no types
    """So many lanes of one scalar type; a mask is a vector of booleans."""

    def __init__(self, scalar: Type, lanes: int) -> None:
        self.scalar, self.lanes = scalar, lanes
        super().__init__(name=f"{scalar}x{lanes}")

    @property
    def floating(self) -> bool:
        """Whether the lanes are floating point."""
        return isinstance(self.scalar, types.Float)

    @property
    def signed(self) -> bool:
        """Whether the lanes are signed integers."""
        return isinstance(self.scalar, types.Integer) and bool(self.scalar.signed)

    @property
    def width(self) -> int:
        """Bits of a lane."""
        return 1 if self.scalar == types.boolean else int(self.scalar.bitwidth)

    @property
    def spelling(self) -> str:
        """The type in the name of an LLVM intrinsic: ``v64i8``."""
        return f"v{self.lanes}{'f' if self.floating else 'i'}{self.width}"

    @property
    def ir(self) -> Any:
        """The LLVM type."""
        lane = {32: ir.FloatType(), 64: ir.DoubleType()}[self.width] if self.floating else ir.IntType(self.width)
        return ir.VectorType(lane, self.lanes)


u8x16, u8x64 = Vector(types.uint8, 16), Vector(types.uint8, 64)
u16x32 = Vector(types.uint16, 32)
i32x16, u32x16 = Vector(types.int32, 16), Vector(types.uint32, 16)
u64x8 = Vector(types.uint64, 8)
f32x16 = Vector(types.float32, 16)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]  # numba ships no types
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, kind.ir)


def unary(result: Result, emit: Emit) -> Any:
    """Make an intrinsic of one argument."""
    return intrinsic(lambda _context, a: _typed(result(a), (a,), emit))


def binary(result: Result, emit: Emit) -> Any:
    """Make an intrinsic of two arguments."""
    return intrinsic(lambda _context, a, b: _typed(result(a, b), (a, b), emit))


def ternary(result: Result, emit: Emit) -> Any:
    """Make an intrinsic of three arguments."""
    return intrinsic(lambda _context, a, b, c: _typed(result(a, b, c), (a, b, c), emit))


def alike(*arguments: Type) -> Type:
    """Return the vector type that all arguments have, or None."""
    return arguments[0] if isinstance(arguments[0], Vector) and len(set(arguments)) == 1 else None


def call(builder: Any, name: str, returned: Any, values: Any) -> Value:
    """Call an LLVM intrinsic by its full name."""
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(returned, [value.type for value in values]), name)
    return builder.call(function, values)


def _typed(returned: Type, arguments: tuple[Type, ...], emit: Emit) -> Any:
    if returned is None:
        return None

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Value:
        value = emit(context, builder, signature.args, values)
        return context.get_dummy_value() if signature.return_type == types.void else value

    return returned(*arguments), codegen
