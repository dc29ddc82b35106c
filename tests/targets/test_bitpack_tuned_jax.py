"""`bitpack`'s JAX kernel: right at every kind of width and size, compiled as well as not."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog
from lar.contracts import Case

jax = pytest.importorskip("jax", reason="jax is not installed")
Host = npt.NDArray[Any]
TARGET = catalog.target("bitpack")
KERNEL: Any = catalog.load_kernel("bitpack", catalog.kernel_path("bitpack", "tuned", "jax"))
LAYOUTS = ("plain", "fastlanes")


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


def pages(layout: str, width: int, n: int, spare: int = 0) -> tuple[Host, Host]:
    """Return random words and the values in them."""
    needed = -(-n // 1024) * 32 * width if layout == "fastlanes" else -(-n * width // 32)
    packed = np.random.default_rng([width, n]).integers(0, 2**32, needed + spare, np.uint32)
    sizes, statics = {"n": n, "width": width, "words": packed.size}, {"width": width, "n": n, "layout": layout}
    found: Any = TARGET.audit(Case("test", "uniform", sizes, 0, statics, 1, "uniform/test"), {}, [packed])
    return packed, found.values[0][0]


def unpack(packed: Host, width: int, n: int, layout: str, *, compiled: bool = True) -> Host:
    run = functools.partial(KERNEL.run, jax.numpy, width=width, n=n, layout=layout)
    words = jax.numpy.asarray(packed)
    state = KERNEL.prepare(jax.numpy, {"packed": words}, width=width, n=n, layout=layout)
    return np.asarray((jax.jit(run) if compiled else run)(state, words)[0])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("width", [1, 2, 4, 6, 9, 15, 16, 25, 26, 30, 31, 32])
def test_right_at_every_kind_of_width(layout: str, width: int) -> None:
    packed, expected = pages(layout, width, 1_500, spare=3)
    found = unpack(packed, width, 1_500, layout)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n", [1, 31, 32, 33, 1_023, 1_024, 1_025, 100_000])
def test_right_at_every_size(layout: str, n: int) -> None:
    packed, expected = pages(layout, 13, n)
    np.testing.assert_array_equal(unpack(packed, 13, n, layout), expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_runs_uncompiled_and_leaves_its_page_alone(layout: str) -> None:
    packed, expected = pages(layout, 21, 1_030)
    before = packed.copy()
    np.testing.assert_array_equal(unpack(packed, 21, 1_030, layout, compiled=False), expected)
    np.testing.assert_array_equal(packed, before)
