"""Loops that move bytes, or compute, as fast as this processor can: what a ceiling is measured with.

They must be *true* ceilings, since a kernel that beats one is called a cheat. So they are not left to an optimiser's
mercy: each is written out in LLVM's vector code with its own accumulators and compiled without any optimising pass,
which could hoist a repeated read or fold a sum; only instruction selection and register allocation follow. The vector
code is generic: LLVM splits a vector wider than the machine's, and uses no instruction that this processor lacks.

Every function is ``int32 (int64 address, int64 blocks, int64 passes)``: it goes over `blocks` blocks of a size of its
own, `passes` times, each at least once. ctypes releases the interpreter's lock around a call, so threads run side by
side.
"""

import contextlib
import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from llvmlite import binding, ir

LINE = 64
"""Bytes of one vector load or store: a cache line nearly everywhere, and a multiple of every vector width."""

WIDTHS = (16, 32, 64)
"""Bytes of the vectors worth trying for arithmetic: SSE and NEON, AVX, AVX-512."""

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_BYTE = ir.IntType(8)
_LINE_VECTOR = ir.VectorType(_I32, LINE // 4)
_Value: TypeAlias = Any  # an llvmlite value; llvmlite has no types
_Body: TypeAlias = Callable[[_Value, Sequence[_Value]], list[_Value]]


@dataclass(frozen=True)
class Loop:
    """A compiled loop.

    Attributes
    ----------
    call : callable
        ``(address, blocks, passes) -> int``.
    block : int
        Bytes that one block covers, or lane operations that it does.
    engine
        Owns the machine code, so it must live as long as `call`.
    """

    call: Callable[[int, int, int], int]
    block: int
    engine: Any


def read_loop(streams: int = 1, prefetch: int = 0) -> Loop:
    """Read memory.

    Parameters
    ----------
    streams : int
        1, 2, 4 or 8: memory is read as so many equal parts side by side, which keeps more of a core's prefetchers busy.
    prefetch : int
        Bytes ahead to prefetch; 0 leaves that to the hardware.
    """
    lines = 8
    function = _Function()
    builder = function.builder
    part = builder.mul(function.blocks, _I64(lines // streams * LINE))
    starts = [builder.mul(part, _I64(stream)) for stream in range(streams)]

    def body(block: _Value, sums: Sequence[_Value]) -> list[_Value]:
        base = builder.mul(block, _I64(lines // streams * LINE))
        loaded = [
            function.load(builder.add(base, starts[i % streams]), i // streams * LINE, prefetch) for i in range(lines)
        ]
        return [builder.xor(total, value) for total, value in zip(sums, loaded, strict=True)]

    return function.compile(body, [ir.Constant(_LINE_VECTOR, None)] * lines, block=lines * LINE)


def copy_loop(loads: int = 1, prefetch: int = 0, *, past_caches: bool = False) -> Loop:
    """Read the first part of memory and write the rest, one line for every `loads` lines.

    Parameters
    ----------
    loads : int
        Lines read for each line written: a core has more read ports than write ports.
    prefetch : int
        Bytes ahead to prefetch; 0 leaves that to the hardware.
    past_caches : bool
        Whether to write with non-temporal stores, which spare memory the read before a write.
    """
    lines = 4
    function = _Function()
    builder = function.builder
    written = builder.mul(function.blocks, _I64(lines * loads * LINE))

    def body(block: _Value, carried: Sequence[_Value]) -> list[_Value]:
        source = builder.mul(block, _I64(lines * loads * LINE))
        sink = builder.add(written, builder.mul(block, _I64(lines * LINE)))
        for i in range(lines):
            value = function.load(source, i * loads * LINE, prefetch)
            for j in range(1, loads):
                value = builder.xor(value, function.load(source, (i * loads + j) * LINE, prefetch))
            function.store(value, sink, i * LINE, past_caches=past_caches)
        return list(carried)

    return function.compile(body, [], block=lines * (loads + 1) * LINE)


def float_loop(width: int, additions: int) -> Loop:
    """Multiply and add float32 in registers; one fused instruction is two operations on each lane.

    Parameters
    ----------
    width : int
        Bytes of a vector.
    additions : int
        0, 1 or 2 plain additions beside every two fused ones: some cores have adders that a fused one leaves idle.
    """
    lanes = width // 4
    vector = ir.VectorType(ir.FloatType(), lanes)
    function = _Function()
    builder = function.builder
    fused = ir.Function(function.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fmuladd.v{lanes}f32")
    half, quarter = (ir.Constant(vector, [value] * lanes) for value in (0.5, 0.25))  # x / 2 + 1 / 4 tends to 1 / 2
    # With the two constants 16 registers, the fewest that a vector unit has; more in flight gained nothing.
    products, sums, pairs = 8, (6 if additions else 0), 24

    def body(_: _Value, carried: Sequence[_Value]) -> list[_Value]:
        values = list(carried)
        for pair in range(pairs):
            for i in (2 * pair % products, (2 * pair + 1) % products):
                values[i] = builder.call(fused, [values[i], half, quarter])
            for turn in range(pair * additions, (pair + 1) * additions):
                i = products + turn % sums
                values[i] = builder.fadd(values[i], quarter)
        return values

    start = [ir.Constant(vector, [i / 8] * lanes) for i in range(products + sums)]
    return function.compile(body, start, block=pairs * (4 + additions) * lanes)


def byte_loop(width: int) -> Loop:
    """Add and xor bytes in registers, in turn: the cheapest operations a vector unit has, one on each lane.

    In turn, because a sum of sums could be folded and a sum of xors cannot.
    """
    vector = ir.VectorType(_BYTE, width)
    function = _Function()
    builder = function.builder
    left, right = (ir.Constant(vector, [value] * width) for value in (1, 85))
    accumulators, rounds = 10, 4

    def body(_: _Value, carried: Sequence[_Value]) -> list[_Value]:
        values = list(carried)
        for _round in range(rounds):
            values = [builder.xor(builder.add(value, left), right) for value in values]
        return values

    start = [ir.Constant(vector, [i] * width) for i in range(accumulators)]
    return function.compile(body, start, block=2 * accumulators * rounds * width)


class _Function:
    """One function under construction: a loop over passes around a loop over blocks."""

    def __init__(self) -> None:
        self.module = ir.Module("lar_vector_loops")
        self.module.triple = binding.get_default_triple()
        function = ir.Function(self.module, ir.FunctionType(_I32, [_I64] * 3), "loop")
        self.address, self.blocks, self.passes = function.args
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        pointer = _BYTE.as_pointer()
        signature = ir.FunctionType(ir.VoidType(), [pointer, _I32, _I32, _I32])
        self._prefetch = self.module.declare_intrinsic("llvm.prefetch", [pointer], signature)
        self._nontemporal = self.module.add_metadata([_I32(1)])

    def load(self, start: _Value, offset: int, prefetch: int) -> _Value:
        """Load the line at `start` + `offset` bytes from the memory's address."""
        builder = self.builder
        address = self._at(start, offset)
        if prefetch:
            ahead = builder.inttoptr(builder.add(address, _I64(prefetch)), _BYTE.as_pointer())
            builder.call(self._prefetch, [ahead, _I32(0), _I32(3), _I32(1)])  # of data, for a read, into every level
        return builder.load(builder.inttoptr(address, _LINE_VECTOR.as_pointer()), align=LINE)

    def store(self, value: _Value, start: _Value, offset: int, *, past_caches: bool) -> None:
        """Store a line at `start` + `offset` bytes from the memory's address."""
        pointer = self.builder.inttoptr(self._at(start, offset), _LINE_VECTOR.as_pointer())
        store = self.builder.store(value, pointer, align=LINE)
        if past_caches:
            store.set_metadata("nontemporal", self._nontemporal)

    def compile(self, body: _Body, start: Sequence[_Value], block: int) -> Loop:
        """Put `body` into the two loops, carrying its values through both, and compile."""
        values = self._loop(self.passes, start, lambda _, outer: self._loop(self.blocks, outer, body))
        self.builder.ret(self._digest(values))
        return _compile(self.module, block)

    def _loop(self, count: _Value, carried: Sequence[_Value], body: _Body) -> list[_Value]:
        builder = self.builder
        entry, head = builder.block, builder.append_basic_block()
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(_I64)
        values = [builder.phi(value.type) for value in carried]
        following = body(index, values)
        after = builder.add(index, _I64(1))
        for phi, first, then in ((index, _I64(0), after), *zip(values, carried, following, strict=True)):
            phi.add_incoming(first, entry)
            phi.add_incoming(then, builder.block)
        done = builder.append_basic_block()
        builder.cbranch(builder.icmp_unsigned("<", after, count), head, done)
        builder.position_at_end(done)
        return following

    def _at(self, start: _Value, offset: int) -> _Value:
        return self.builder.add(self.builder.add(self.address, start), _I64(offset))

    def _digest(self, values: Sequence[_Value]) -> _Value:
        """Return something that depends on every value, so that none of the work is dead."""
        builder = self.builder
        total: _Value = _I32(0)
        for value in values:
            lane = builder.extract_element(value, _I32(0))
            if lane.type == _BYTE:
                lane = builder.zext(lane, _I32)
            total = builder.xor(total, lane if lane.type == _I32 else builder.bitcast(lane, _I32))
        return total


def _compile(module: Any, block: int) -> Loop:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = ""
    with contextlib.suppress(RuntimeError):  # LLVM cannot tell on every system; the name of the CPU is then enough
        features = binding.get_host_cpu_features().flatten()
    target = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=features, opt=3
    )
    engine = binding.create_mcjit_compiler(binding.parse_assembly(str(module)), target)
    engine.finalize_object()
    signature = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
    return Loop(signature(engine.get_function_address("loop")), block, engine)
