"""JAX on the CPU or a GPU: every `run` is compiled by XLA, and 64-bit types are off.

Waiting is done by reading: a host copy of an element exists only when the element does, whatever a kernel has made of
`jax.block_until_ready` in the meantime.
"""

import contextlib
import functools
import importlib.metadata
from collections.abc import Callable, Hashable
from typing import Any, ClassVar

import numpy as np

from lar.contracts import Array, Backend, HostArray, Query, Statics, Tree
from lar.errors import BadInputError
from lar.trees import leaves

from ._common import choose_device, import_failure


class JaxBackend(Backend):
    """JAX arrays, committed to one device."""

    name = "jax"
    install: ClassVar[str] = "lar[jax]"
    asynchronous: ClassVar[bool] = True

    @classmethod
    def available(cls) -> str | None:
        """Say whether JAX is there and finds a device."""
        try:
            import jax
        except ImportError as error:
            return import_failure(cls, "jax", error)
        if not cls.devices():
            return f"jax {jax.__version__} finds neither a CPU nor a CUDA device: unset JAX_PLATFORMS, or set it to cpu"
        return None

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """Name the devices of this process, GPUs first as in JAX itself."""
        return tuple(_devices())

    def __init__(self, device: str | None = None) -> None:
        self.device = choose_device(type(self), device)
        import jax
        import jax.numpy as jnp

        # JAX_ENABLE_X64 in the environment must not change what a kernel computes.
        jax.config.update("jax_enable_x64", False)
        self.xp = jnp
        self._jax = jax
        self._where = _devices()[self.device]
        self._compiled: dict[Hashable, Callable[[Tree, Query], Any]] = {}
        # Captured before any kernel is imported.
        self._copy, self._read = np.array, np.asarray
        self._jit, self._device_put, self._block_until_ready = jax.jit, jax.device_put, jax.block_until_ready
        self._live_arrays = functools.partial(jax.live_arrays, self._where.platform)
        self._effects_barrier = jax.effects_barrier
        self._first_elements = self._jit(lambda arrays: tuple(jnp.ravel(array)[:1] for array in arrays))
        self._type = type(self.put(np.zeros(1, np.float32)))

    def put(self, array: HostArray) -> Array:
        """Copy to the device.

        Raises
        ------
        BadInputError
            If the dtype has 64 bits: JAX would narrow it and say nothing.
        """
        if array.dtype.itemsize > 4:
            raise BadInputError(f"jax holds no {array.dtype} while x64 is off. Expect rows of 32-bit words.")
        # The CPU client may adopt the memory it is handed, so it gets a copy of its own.
        return self._block_until_ready(self._device_put(self._copy(array, order="C"), self._where))

    def view(self, array: HostArray) -> Array | None:
        """Adopt the memory, as the CPU client does where it is aligned; what is empty has nothing to show."""
        if self.device != "cpu":
            return None
        if not array.size:
            return self.put(array)
        adopted = self._block_until_ready(self._device_put(array, self._where))
        return adopted if adopted.unsafe_buffer_pointer() == array.ctypes.data else None

    def get(self, array: Array) -> HostArray:
        """Copy from the device."""
        host: HostArray = self._copy(array)
        return host

    def native(self, value: Any) -> bool:
        """Accept JAX's one concrete array type, on this device alone; tracers and sharded arrays are not."""
        return type(value) is self._type and bool(value.device == self._where)

    def compile(self, run: Callable[..., Any], statics: Statics) -> Callable[[Tree, Query], Any]:
        """Bind the namespace and the statics under `jax.jit`, once for equal ones: no shape compiles twice."""
        # 1, True and 1.0 are equal and trace to different programs, as do 0.0 and -0.0: the text tells them apart.
        key = (run, tuple((name, value, repr(value)) for name, value in sorted(statics.items())))
        if key not in self._compiled:
            self._compiled[key] = self._jit(functools.partial(run, self.xp, **statics))
        return self._compiled[key]

    def ready(self, outputs: Any) -> Any:
        """Read on the host what depends on every output: all of it where that copies nothing, else one element."""
        arrays = tuple(leaves(outputs))
        for part in arrays if self.device == "cpu" else self._first_elements(arrays):
            self._read(part)
        return outputs

    def synchronize(self) -> None:
        """Wait for every array that still exists and for effects; a device runs its programs in order."""
        self._effects_barrier()
        self._block_until_ready(self._live_arrays())

    def memory_peak(self) -> int | None:
        """Return the most bytes in use at once, where the device's allocator counts them (a CPU's does not)."""
        statistics = self._where.memory_stats() or {}
        return statistics.get("peak_bytes_in_use")

    def about(self) -> dict[str, str]:
        """Return the versions of JAX and its compiler, and the device's name and platform."""
        return {
            "jax": self._jax.__version__,
            "jaxlib": importlib.metadata.version("jaxlib"),
            "device": self._where.device_kind,
            "platform": " ".join(self._where.client.platform_version.split()),
        }


def _devices() -> dict[str, Any]:
    import jax

    found: dict[str, Any] = {}
    with contextlib.suppress(RuntimeError):  # how JAX says that there is no such platform
        found |= {f"cuda:{number}": one for number, one in enumerate(jax.local_devices(backend="cuda"))}
    with contextlib.suppress(RuntimeError):
        found["cpu"] = jax.local_devices(backend="cpu")[0]
    return found


BACKEND = JaxBackend
