"""What every adapter promises in `lar.contracts.Backend`, held on every adapter that can run here."""

import mmap
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest

from lar import catalog
from lar.contracts import Backend
from lar.errors import UnavailableError, UnknownNameError

Opener: TypeAlias = Callable[[str], Backend]

LIMITS = {
    "bool": [False, True],
    "uint8": [0, 255],
    "uint16": [0, 2**16 - 1],
    "uint32": [0, 2**32 - 1],
    "int32": [-(2**31), 2**31 - 1],
    "float32": [-0.0, np.inf, np.nan, 1e-45, 3.4e38],
    "int64": [-(2**63), 2**63 - 1],
}
SHAPES = [(), (0,), (7,), (2, 3), (0, 4), (3, 0, 2)]
NO_64_BITS = {"jax"}


def scaled_sum(xp: Any, state: Any, query: Any, /, *, factor: float) -> Any:
    return (xp.sum(state["x"] * query) * factor, state["x"])


# ---- arrays --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_arrays_come_back_as_they_went(open_backend: Backend, shape: tuple[int, ...]) -> None:
    for dtype in LIMITS.keys() - ({"int64"} if open_backend.name in NO_64_BITS else set()):
        sent = np.resize(np.array(LIMITS[dtype], dtype=dtype), shape)
        placed = open_backend.put(sent)
        back = open_backend.get(placed)
        assert open_backend.native(placed)
        assert type(back) is np.ndarray
        assert (back.dtype, back.shape, back.tobytes()) == (sent.dtype, shape, sent.tobytes())


def test_strided_arrays_come_back_in_order(open_backend: Backend) -> None:
    grid = np.arange(24, dtype=np.int32).reshape(4, 6)
    for sent in (grid.T, grid[::-1, ::2], np.broadcast_to(grid[0], (3, 6)), np.asfortranarray(grid)):
        np.testing.assert_array_equal(open_backend.get(open_backend.put(sent)), sent)


@pytest.mark.parametrize("n", [1, 1000, 100_000])
def test_put_copies(open_backend: Backend, n: int) -> None:
    source = np.zeros(n, dtype=np.float32)
    placed = open_backend.put(source)
    source[:] = 7
    assert not open_backend.get(placed).any()


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint32", "int16", "uint16", "int8", "uint8", "bool"])
def test_a_view_shows_what_is_written_to_the_memory_later(open_backend: Backend, dtype: str) -> None:
    descriptor = os.memfd_create("test")
    os.ftruncate(descriptor, mmap.PAGESIZE)
    ours = np.frombuffer(mmap.mmap(descriptor, mmap.PAGESIZE), dtype)
    theirs = np.frombuffer(mmap.mmap(descriptor, mmap.PAGESIZE, prot=mmap.PROT_READ), dtype)
    os.close(descriptor)
    seen = open_backend.view(theirs)
    if seen is None:
        assert open_backend.name not in {"numpy", "jax"} or open_backend.device != "cpu"
        pytest.skip(f"{open_backend.name} on {open_backend.device} has memory of its own")
    for value in (1, 0, 1):
        ours[:] = value
        assert open_backend.native(seen)
        np.testing.assert_array_equal(open_backend.get(seen), ours)
        np.testing.assert_array_equal(open_backend.get(open_backend.xp.asarray(seen, copy=True)), ours)


def test_a_view_of_nothing_is_empty(open_backend: Backend) -> None:
    seen = open_backend.view(np.zeros((0, 3), np.float32))
    assert seen is None or open_backend.get(seen).shape == (0, 3)


def test_get_copies(open_backend: Backend) -> None:
    placed = open_backend.put(np.zeros(100, dtype=np.int32))
    back = open_backend.get(placed)
    back[:] = 7
    assert not open_backend.get(placed).any()


def test_read_only_sources_are_taken(open_backend: Backend) -> None:
    source = np.arange(5, dtype=np.uint32)
    source.setflags(write=False)
    np.testing.assert_array_equal(open_backend.get(open_backend.put(source)), source)


# ---- native --------------------------------------------------------------------------------------------------------


class _Subclass(np.ndarray[Any, Any]):
    """Could overload comparison."""


def test_native_refuses_what_is_no_array(open_backend: Backend) -> None:
    for value in (None, 1.5, [1.0], (), "x", np.float32(1), np.generic, memoryview(b"abc"), open_backend.xp.float32):
        assert not open_backend.native(value)


def test_native_refuses_other_libraries_arrays(open_backend: Backend) -> None:
    host = np.zeros(3, dtype=np.float32)
    for name in catalog.backend_names():
        other = catalog.backend(name)
        if other.available() is None:
            foreign = other().put(host)
            same = type(foreign) is type(open_backend.put(host))
            assert open_backend.native(foreign) is same, name


def test_native_refuses_subclasses(open_backend: Backend) -> None:
    placed = open_backend.put(np.zeros(3, dtype=np.float32))
    if open_backend.name in {"numpy", "numpy_readonly"}:
        subclasses = [placed.view(_Subclass), np.ma.masked_array(placed), placed.view(np.matrix)]
    elif open_backend.name == "torch":
        import torch

        subclasses = [torch.nn.Parameter(placed, requires_grad=False)]
    elif open_backend.name == "cupy":
        import cupy

        subclasses = [placed.view(type("Subclass", (cupy.ndarray,), {}))]
    else:
        subclass = type("Subclass", (), {"__class__": type(placed), "device": getattr(placed, "device", None)})
        assert isinstance(subclass(), type(placed))
        subclasses = [subclass()]
    for one in subclasses:
        assert not open_backend.native(one)


def test_native_refuses_another_device(open_backend: Backend) -> None:
    others = [device for device in open_backend.devices() if device != open_backend.device]
    if not others:
        pytest.skip(f"{open_backend.name} has one device here")
    placed = type(open_backend)(others[0]).put(np.zeros(3, dtype=np.float32))
    assert not open_backend.native(placed)


# ---- running -------------------------------------------------------------------------------------------------------


def test_compile_binds_namespace_and_statics(open_backend: Backend) -> None:
    state = {"x": open_backend.put(np.array([1, 2, 3], dtype=np.float32))}
    query = open_backend.put(np.array([10, 20, 30], dtype=np.float32))
    for factor in (2.0, -0.5):
        total, same = open_backend.ready(open_backend.compile(scaled_sum, {"factor": factor})(state, query))
        assert open_backend.get(total) == 140 * factor
        assert open_backend.native(same)
        np.testing.assert_array_equal(open_backend.get(same), [1, 2, 3])


def test_ready_returns_what_it_was_given(open_backend: Backend) -> None:
    array, empty = open_backend.put(np.ones((300, 300), np.float32)), open_backend.put(np.zeros((0, 3), np.uint8))
    outputs = (array @ array, (empty, {"a": array}))
    assert open_backend.ready(outputs) is outputs
    open_backend.synchronize()
    assert (open_backend.get(outputs[0]) == 300).all()
    assert open_backend.ready(()) == ()


CAPTURED = {
    "numpy": ["numpy.array"],
    "jax": ["jax.block_until_ready", "jax.device_put", "jax.live_arrays", "jax.effects_barrier", "jax.device_get"],
    "torch": ["numpy.array", "torch.from_numpy", "torch.cuda.synchronize"],
    "cupy": ["numpy.array", "cupy.asnumpy", "cupy.cuda.runtime.deviceSynchronize"],
}


def refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("a kernel's own function was called")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.gpu if n == "cupy" else ()) for n in CAPTURED])
def test_kernels_cannot_replace_what_waits(name: str, open_named: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = open_named(name)
    for function in CAPTURED[name]:
        monkeypatch.setattr(function, refuse)
    placed = backend.put(np.ones(3, dtype=np.float32))
    backend.ready((placed,))
    backend.synchronize()
    assert (backend.get(placed) == 1).all()


# ---- what a backend says of itself ---------------------------------------------------------------------------------


def test_timer_sums_and_forgets(open_backend: Backend) -> None:
    timer = open_backend.timer()
    if timer is None:
        assert not open_backend.device.startswith("cuda") or open_backend.name == "jax"
        return
    array = open_backend.put(np.ones((1000, 1000), dtype=np.float32))
    for pieces in (3, 1):
        for _ in range(pieces):
            open_backend.flush()
            timer.start()
            product = array @ array
            timer.stop()
        open_backend.ready(product)
        assert timer.elapsed_ns() > 0
        assert timer.elapsed_ns() == 0


def test_facts(open_backend: Backend) -> None:
    about = open_backend.about()
    assert about
    assert all(type(fact) is str and fact for pair in about.items() for fact in pair)
    open_backend.flush()
    peak = open_backend.memory_peak()
    assert peak is None or (type(peak) is int and peak >= 0)
    assert open_backend.name in catalog.backend_names()
    assert open_backend.purpose in {"measure", "conformance"}


def test_devices(open_backend: Backend) -> None:
    assert open_backend.device == open_backend.devices()[0]
    for device in open_backend.devices():
        assert type(open_backend)(device).device == device
    with pytest.raises(UnknownNameError, match="'tpu:7'"):
        type(open_backend)("tpu:7")


@pytest.mark.parametrize("name", catalog.backend_names())
def test_available_answers_in_one_line(name: str) -> None:
    adapter = catalog.backend(name)
    reason = adapter.available()
    if reason is None:
        assert adapter.devices()
        return
    assert reason
    assert "\n" not in reason
    with pytest.raises(UnavailableError) as told:
        adapter()
    assert str(told.value) == reason


@pytest.mark.parametrize(
    ("name", "library", "mend"),
    [
        ("cupy", "cupy", "pip install 'lar[cuda13]'"),
        ("jax", "jax", "pip install 'lar[jax]'"),
        ("strict", "array_api_strict", "pip install 'lar[test]'"),
        ("torch", "torch", "pip install 'lar[torch]'"),
    ],
)
def test_a_missing_library_is_named_with_its_remedy(
    name: str, library: str, mend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    reason = catalog.backend(name).available()
    assert reason is not None
    assert reason.startswith(f"{library} is not installed")
    assert mend in reason


def test_listing_imports_no_library() -> None:
    code = (
        "import sys; from lar import catalog; [catalog.backend(n) for n in catalog.backend_names()];"
        "print(*sorted({'jax', 'torch', 'cupy', 'array_api_strict'} & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == ""
