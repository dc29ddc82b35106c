"""Operations on vectors that every processor can do: LLVM makes the best of them for the machine at hand."""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import overload

from lar.simd.vector import Emit, Result, Type, Value, Vector, alike, binary, call, ternary, unary

_I32, _I64 = ir.IntType(32), ir.IntType(64)


# ---- from scalars, and between types -------------------------------------------------------------------------------


def _splat(context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    kind = kinds[0].instance_type
    lane = context.cast(builder, values[1], kinds[1], kind.scalar)
    one = builder.insert_element(ir.Constant(kind.ir, ir.Undefined), lane, ir.Constant(_I32, 0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_I32, kind.lanes), None))


def _convert(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    to, source, value = kinds[0].instance_type, kinds[1], values[1]
    if source.floating:
        emit = builder.fptosi if to.signed else builder.fptoui
    elif to.floating:
        emit = builder.sitofp if source.signed else builder.uitofp
    elif to.width < source.width:
        emit = builder.trunc
    else:
        emit = builder.sext if source.signed else builder.zext
    return emit(value, to.ir)


def _convertible(kind: Type, value: Type) -> Type:
    to = kind.instance_type
    return to if to.lanes == value.lanes and to.width != 1 and not (to.floating and value.floating) else None


def _reinterpret(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    return builder.bitcast(values[1], kinds[0].instance_type.ir)


def _reinterpretable(kind: Type, value: Type) -> Type:
    to = kind.instance_type
    return to if to.lanes * to.width == value.lanes * value.width else None


splat = binary(lambda kind, value: kind.instance_type if isinstance(value, types.Number) else None, _splat)
"""``splat(u16x32, number)``: the number, cast to the lane's type, in every lane."""

convert = binary(_convertible, _convert)
"""``convert(u8x16, vector)``: each lane's number in another type; integers wrap, a float must fit the integer."""

reinterpret = binary(_reinterpretable, _reinterpret)
"""``reinterpret(u16x32, vector)``: the same bits in other lanes, the first the lower on a little-endian machine."""


# ---- lane by lane --------------------------------------------------------------------------------------------------


def _compared(builder: Any, kind: Vector, symbol: str, a: Value, b: Value) -> Value:
    if kind.floating:
        return builder.fcmp_ordered(symbol, a, b)
    return (builder.icmp_signed if kind.signed else builder.icmp_unsigned)(symbol, a, b)


def _comparison(symbol: str) -> Emit:
    return lambda _context, builder, kinds, values: _compared(builder, kinds[0], symbol, *values)


def _extreme(symbol: str) -> Emit:
    return lambda _context, builder, kinds, values: builder.select(
        _compared(builder, kinds[0], symbol, *values), *values
    )


def _saturating_add(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    return call(builder, f"llvm.{'s' if kinds[0].signed else 'u'}add.sat.{kinds[0].spelling}", kinds[0].ir, values)


def _saturating_subtract(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    return call(builder, f"llvm.{'s' if kinds[0].signed else 'u'}sub.sat.{kinds[0].spelling}", kinds[0].ir, values)


def _multiply_high(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    """Multiply at twice the width and keep the upper half, which LLVM knows as one instruction where there is one."""
    narrow, widen = kinds[0], builder.sext if kinds[0].signed else builder.zext
    wide = ir.VectorType(ir.IntType(2 * narrow.width), narrow.lanes)
    product = builder.mul(*(widen(value, wide) for value in values))
    return builder.trunc(builder.lshr(product, ir.Constant(wide, [narrow.width] * narrow.lanes)), narrow.ir)


def _multiply_add(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    return call(builder, f"llvm.fmuladd.{kinds[0].spelling}", kinds[0].ir, values)


def _integers(a: Type, b: Type) -> Type:
    kind = alike(a, b)
    return kind if kind is not None and not kind.floating else None


def _floats(a: Type, b: Type, c: Type) -> Type:
    kind = alike(a, b, c)
    return kind if kind is not None and kind.floating else None


def _selectable(mask: Type, a: Type, b: Type) -> Type:
    kind = alike(a, b)
    return kind if kind is not None and mask == Vector(types.boolean, kind.lanes) else None


minimum = binary(alike, _extreme("<"))
"""``minimum(a, b)``: lane by lane; where they do not compare (NaN), b."""

maximum = binary(alike, _extreme(">"))
"""``maximum(a, b)``: lane by lane; where they do not compare (NaN), b."""

saturating_add = binary(_integers, _saturating_add)
"""``saturating_add(a, b)``: of integers; what exceeds the lane's type stays at its largest (or smallest) number."""

saturating_subtract = binary(_integers, _saturating_subtract)
"""``saturating_subtract(a, b)``: of integers; what falls below the lane's type stays at its smallest (or largest)."""

multiply_high = binary(_integers, _multiply_high)
"""``multiply_high(a, b)``: of integers; the upper half of the product, rounded down."""

multiply_add = ternary(_floats, _multiply_add)
"""``multiply_add(a, b, c)``: ``a * b + c`` of floats, rounded once where the processor can."""

select = ternary(_selectable, lambda _context, builder, _kinds, values: builder.select(*values))
"""``select(mask, a, b)``: a where the mask is set, else b."""


def _define(symbol: Any, result: Result, emit: Emit) -> None:
    """Give an operator a meaning between equal vectors."""
    operation = binary(result, emit)

    def choose(a: Any, b: Any) -> Any:
        def apply(a: Any, b: Any) -> Any:  # numba holds its parameters, annotations too, against those of `choose`
            return operation(a, b)

        return apply if result(a, b) is not None else None

    overload(symbol)(choose)


def _arithmetic(integer: str, floating: str) -> Emit:
    return lambda _context, builder, kinds, values: getattr(builder, floating if kinds[0].floating else integer)(
        *values
    )


def _mask(a: Type, b: Type) -> Type:
    return Vector(types.boolean, a.lanes) if alike(a, b) else None


def _define_operators() -> None:
    for name in ("add", "sub", "mul"):
        _define(getattr(operator, name), alike, _arithmetic(name, f"f{name}"))
    for name, instruction in (("and_", "and_"), ("or_", "or_"), ("xor", "xor"), ("lshift", "shl"), ("rshift", "lshr")):
        _define(getattr(operator, name), _integers, _arithmetic(instruction, ""))
    for name, symbol in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
        _define(getattr(operator, name), _mask, _comparison(symbol))


_define_operators()  # + - * everywhere; & | ^ << >> (which fills with zeros) on integers; comparisons give a mask


# ---- to scalars ----------------------------------------------------------------------------------------------------


def _reduced(symbol: str) -> Emit:
    """Emit a tree that keeps, of two lanes, the one that compares so with the other."""

    def emit(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
        (value,), half = values, kinds[0].lanes // 2
        while half:
            places = [ir.Constant(ir.VectorType(_I32, half), list(range(first, first + half))) for first in (0, half)]
            low, high = (builder.shuffle_vector(value, value, place) for place in places)
            value = builder.select(_compared(builder, kinds[0], symbol, low, high), low, high)
            half //= 2
        return builder.extract_element(value, ir.Constant(_I32, 0))

    return emit


def _bits(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    packed = builder.bitcast(values[0], ir.IntType(kinds[0].lanes))
    return builder.zext(packed, _I64) if kinds[0].lanes < 64 else packed


def _counted(name: str, *flags: int) -> Emit:
    extra = [ir.Constant(ir.IntType(1), flag) for flag in flags]
    return lambda _context, builder, _kinds, values: call(builder, f"llvm.{name}.i64", _I64, [*values, *extra])


def _word(returned: Type) -> Callable[[Type], Type]:
    return lambda word: returned if word == types.uint64 else None


def _lane(vector: Type) -> Type:
    return vector.scalar if isinstance(vector, Vector) else None


lowest = unary(_lane, _reduced("<"))
"""``lowest(vector)``: the smallest lane, as a scalar."""

highest = unary(_lane, _reduced(">"))
"""``highest(vector)``: the largest lane, as a scalar."""

bits = unary(lambda mask: types.uint64 if isinstance(mask, Vector) and mask.width == 1 else None, _bits)
"""``bits(mask)``: a uint64 with bit i set where lane i is; for 64 lanes or fewer."""

count_ones = unary(_word(types.int64), _counted("ctpop"))
"""``count_ones(word)``: how many bits of a uint64 are set."""

trailing_zeros = unary(_word(types.int64), _counted("cttz", 0))
"""``trailing_zeros(word)``: the place of the lowest bit that is set in a uint64; 64 if none is."""
