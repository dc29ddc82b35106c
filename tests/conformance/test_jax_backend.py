"""What the JAX adapter promises beyond the others: one compilation a shape, no narrowing, one device."""

import os
import subprocess
import sys
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

import numpy as np
import pytest

from lar.contracts import Backend
from lar.errors import BadInputError

Opener: TypeAlias = Callable[[str], Backend]

TWO_DEVICES = """
import jax, numpy as np
from lar import catalog
backend = catalog.backend("jax")("cpu")
first, second = (jax.device_put(np.zeros(3, np.float32), one) for one in jax.local_devices(backend="cpu"))
print(backend.native(first), backend.native(second))
"""


def test_what_would_be_narrowed_is_refused(open_named: Opener) -> None:
    backend = open_named("jax")
    for dtype in ("int64", "uint64", "float64"):
        with pytest.raises(BadInputError, match=dtype):
            backend.put(np.zeros(3, dtype))


def test_native_refuses_tracers(open_named: Opener) -> None:
    backend = open_named("jax")
    seen = []

    def run(xp: Any, state: Any, query: Any, /) -> Any:
        seen.append(backend.native(query))
        return (query,)

    array = backend.put(np.zeros(3, dtype=np.float32))
    backend.ready(backend.compile(run, {})((), array))
    assert seen == [False]


def test_no_shape_compiles_twice(open_named: Opener) -> None:
    backend = open_named("jax")
    traced: list[Hashable] = []

    def run(xp: Any, state: Any, query: Any, /, *, k: Hashable) -> Any:
        traced.append(k)
        return (query * 2,)

    for n in (3, 3, 4):
        for _ in range(2):
            backend.compile(run, {"k": 1})((), backend.put(np.zeros(n, dtype=np.float32)))
    assert traced == [1, 1]
    for k in (True, 1.0, 0.0, -0.0):  # equal to one another, and different programs
        backend.compile(run, {"k": k})((), backend.put(np.zeros(3, dtype=np.float32)))
    assert [repr(k) for k in traced[2:]] == ["True", "1.0", "0.0", "-0.0"]


def test_native_refuses_a_second_device(open_named: Opener) -> None:
    open_named("jax")
    environment = os.environ | {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["True", "False"]


def test_x64_of_the_environment_is_turned_off(open_named: Opener) -> None:
    open_named("jax")
    code = "from lar import catalog; print(catalog.backend('jax')().xp.arange(3).dtype)"
    environment = os.environ | {"JAX_ENABLE_X64": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "int32"
