"""Every operation on vectors against NumPy, lane by lane, compiled for this machine and for a generic one."""

import operator
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit
from numba.core.errors import TypingError

from lar import simd
from lar.simd import f32x16, i32x16, u8x16, u8x64, u16x32, u32x16, u64x8

Host = npt.NDArray[Any]
VECTORS = {"u8": u8x64, "u16": u16x32, "i32": i32x16, "u32": u32x16, "u64": u64x8, "f32": f32x16}
DTYPES: dict[str, Any] = {"u8": np.uint8, "u16": np.uint16, "i32": np.int32, "u32": np.uint32, "u64": np.uint64}
DTYPES["f32"] = np.float32
INTEGERS = [name for name in VECTORS if name != "f32"]


def operands(name: str) -> tuple[Host, Host]:
    """Two vectors' worth of numbers: the ends of the type, equal ones, and random ones."""
    dtype, lanes = DTYPES[name], VECTORS[name].lanes
    rng = np.random.default_rng(lanes)
    if name == "f32":
        a, b = rng.standard_normal(lanes).astype(dtype), rng.standard_normal(lanes).astype(dtype)
        a[:4], b[:4] = (1.0, 2.0, np.inf, -0.0), (1.0, 1.0, 3.0, 0.0)
        return a, b
    ends = np.iinfo(dtype)
    a, b = (rng.integers(ends.min, ends.max, lanes, dtype=dtype, endpoint=True) for _ in range(2))
    a[:4], b[:4] = (ends.max, ends.min, ends.max, 7), (1, ends.max, ends.max, 7)
    return a, b


def apply(operation: Any, vector: Any, a: Host, b: Host) -> Host:
    """Run a compiled operation of two vectors on two arrays."""

    @njit
    def run(a: Host, b: Host, out: Host) -> None:
        simd.store(out, 0, operation(simd.load(vector, a, 0), simd.load(vector, b, 0)))

    out = np.zeros_like(a)
    run(a, b, out)
    return out


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("symbol", [operator.add, operator.sub, operator.mul])
def test_arithmetic_wraps_as_numpy_does(name: str, symbol: Callable[[Any, Any], Any]) -> None:
    a, b = operands(name)
    np.testing.assert_array_equal(apply(symbol, VECTORS[name], a, b), symbol(a, b))


@pytest.mark.parametrize("name", ["u8", "u32", "u64"])
@pytest.mark.parametrize("symbol", [operator.and_, operator.or_, operator.xor])
def test_bitwise_operators(name: str, symbol: Callable[[Any, Any], Any]) -> None:
    a, b = operands(name)
    np.testing.assert_array_equal(apply(symbol, VECTORS[name], a, b), symbol(a, b))


def test_shifts_fill_with_zeros_even_on_signed_lanes() -> None:
    a = operands("i32")[0]
    by = np.arange(16, dtype=np.int32)
    np.testing.assert_array_equal(apply(njit(lambda x, y: x << y), i32x16, a, by), a << by)
    logical = (a.view(np.uint32) >> by.view(np.uint32)).view(np.int32)
    np.testing.assert_array_equal(apply(njit(lambda x, y: x >> y), i32x16, a, by), logical)


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize(("operation", "sign"), [(simd.saturating_add, 1), (simd.saturating_subtract, -1)])
def test_saturating_arithmetic_stays_at_the_ends(name: str, operation: Any, sign: int) -> None:
    a, b = operands(name)
    ends = np.iinfo(DTYPES[name])
    exact = [min(max(int(x) + sign * int(y), ends.min), ends.max) for x, y in zip(a, b, strict=True)]
    got = apply(operation, VECTORS[name], a, b)
    np.testing.assert_array_equal(got, np.array(exact, DTYPES[name]))


@pytest.mark.parametrize("name", INTEGERS)
def test_multiply_high_is_the_upper_half_of_the_product(name: str) -> None:
    a, b = operands(name)
    exact = [int(x) * int(y) >> np.iinfo(DTYPES[name]).bits for x, y in zip(a, b, strict=True)]
    np.testing.assert_array_equal(apply(simd.multiply_high, VECTORS[name], a, b), np.array(exact, DTYPES[name]))


@pytest.mark.parametrize("name", VECTORS)
def test_extremes_and_reductions(name: str) -> None:
    a, b = operands(name)
    vector = VECTORS[name]
    np.testing.assert_array_equal(apply(simd.minimum, vector, a, b), np.minimum(a, b))
    np.testing.assert_array_equal(apply(simd.maximum, vector, a, b), np.maximum(a, b))

    @njit
    def ends(a: Host) -> Any:
        return simd.lowest(simd.load(vector, a, 0)), simd.highest(simd.load(vector, a, 0))

    assert ends(a) == (a.min(), a.max())


def test_extremes_give_the_second_operand_where_there_is_nan() -> None:
    a, b = np.full(16, np.nan, np.float32), np.arange(16, dtype=np.float32)
    for extreme in (simd.minimum, simd.maximum):
        np.testing.assert_array_equal(apply(extreme, f32x16, a, b), b)
        assert np.isnan(apply(extreme, f32x16, b, a)).all()


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("symbol", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
def test_comparisons_as_bits(name: str, symbol: Callable[[Any, Any], Any]) -> None:
    vector = VECTORS[name]

    @njit
    def run(a: Host, b: Host) -> Any:
        return simd.bits(symbol(simd.load(vector, a, 0), simd.load(vector, b, 0)))

    a, b = operands(name)
    assert run(a, b) == sum(1 << i for i, there in enumerate(symbol(a, b)) if there)


def test_select_and_multiply_add() -> None:
    a, b = operands("f32")
    got = apply(njit(lambda x, y: simd.select(x < y, x * x, y)), f32x16, a, b)
    np.testing.assert_array_equal(got, np.where(a < b, a * a, b))
    got = apply(njit(lambda x, y: simd.multiply_add(x, y, x)), f32x16, a[4:].repeat(2)[:16], b)
    exact = a[4:].repeat(2)[:16].astype(np.float64) * b + a[4:].repeat(2)[:16]
    np.testing.assert_allclose(got, exact, rtol=3e-7, atol=3e-7)


def test_conversions() -> None:
    @njit
    def run(a: Host, bytes_: Host, back: Host, halves: Host) -> None:
        steps = simd.convert(i32x16, simd.load(f32x16, a, 0))
        simd.store(bytes_, 0, simd.convert(u8x16, steps))
        simd.store(back, 0, simd.convert(f32x16, simd.convert(u32x16, simd.load(u8x16, bytes_, 0))))
        simd.store(halves, 0, simd.reinterpret(u16x32, simd.load(f32x16, a, 0)))

    a = np.linspace(0, 300.9, 16, dtype=np.float32)
    bytes_, back, halves = np.empty(16, np.uint8), np.empty(16, np.float32), np.empty(32, np.uint16)
    run(a, bytes_, back, halves)
    np.testing.assert_array_equal(bytes_, a.astype(np.int32).astype(np.uint8))
    np.testing.assert_array_equal(back, bytes_.astype(np.float32))
    np.testing.assert_array_equal(halves, a.view(np.uint16))


def test_splat_casts_to_the_lane() -> None:
    @njit
    def run(number: Any, out: Host, wide: Host) -> None:
        simd.store(out, 0, simd.splat(u16x32, number))
        simd.store(wide, 0, simd.splat(f32x16, number))

    out, wide = np.empty(32, np.uint16), np.empty(16, np.float32)
    run(65_537 + 5, out, wide)
    assert set(out) == {6}
    assert set(wide) == {65_542.0}


def test_words_of_bits() -> None:
    @njit
    def run(word: Any) -> Any:
        return simd.count_ones(word), simd.trailing_zeros(word)

    assert run(np.uint64(0)) == (0, 64)
    assert run(np.uint64(2**63)) == (1, 63)
    assert run(np.uint64(0b1011_0000)) == (3, 4)


def test_unequal_vectors_and_floats_have_no_such_operations() -> None:
    @njit
    def unequal() -> Any:
        return simd.lowest(simd.splat(u8x64, 1) + simd.splat(u8x16, 1))

    @njit
    def shifted() -> Any:
        return simd.lowest(simd.splat(f32x16, 1) >> simd.splat(f32x16, 1))

    for wrong in (unequal, shifted):
        with pytest.raises(TypingError):
            wrong()


def test_generic_operations_compile_for_a_generic_processor() -> None:
    if os.environ.get("NUMBA_CPU_NAME") == "generic":
        pytest.skip("is the process that this test starts")
    chosen = "arithmetic or saturating or comparisons or select or conversions or words"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, __file__]
    done = subprocess.run(
        command, env={**os.environ, "NUMBA_CPU_NAME": "generic"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
