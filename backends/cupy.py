"""CuPy on an NVIDIA GPU: work is queued, events time it, and waiting is for the whole device.

A stream of its own, or a second thread, would escape a wait for one stream; nothing escapes `cudaDeviceSynchronize`.
"""

from typing import Any, ClassVar

import numpy as np

from lar.contracts import Array, HostArray, Timer

from ._common import SCRATCH_BYTES, EagerBackend, EventTimer, choose_device, import_failure, one_line


class CupyBackend(EagerBackend):
    """CuPy arrays on one GPU, which is made the current one."""

    name = "cupy"
    install: ClassVar[str] = "lar[cuda13]"
    asynchronous: ClassVar[bool] = True

    @classmethod
    def available(cls) -> str | None:
        """Say whether CuPy, a driver and a GPU are there."""
        try:
            import cupy
        except ImportError as error:
            mend = import_failure(cls, "cupy", error)
            return f"{mend} (CUDA 13; 'lar[cuda12]' for CUDA 12)"
        try:
            count = cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            code = str(error).split(":", maxsplit=1)[0]
            if code == "cudaErrorInsufficientDriver":
                return f"no NVIDIA driver, or an old one ({code}): install a newer driver; `nvidia-smi` must work"
            if code == "cudaErrorNoDevice":
                return f"no NVIDIA GPU is visible ({code}): `nvidia-smi -L` must list one; check CUDA_VISIBLE_DEVICES"
            return f"the NVIDIA driver answers {one_line(error)}: `nvidia-smi` must work"
        return None if count else "no NVIDIA GPU is visible: `nvidia-smi -L` must list one; check CUDA_VISIBLE_DEVICES"

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """Name the GPUs in the driver's order."""
        if cls.available() is not None:
            return ()
        import cupy

        return tuple(f"cuda:{number}" for number in range(cupy.cuda.runtime.getDeviceCount()))

    def __init__(self, device: str | None = None) -> None:
        self.device = choose_device(type(self), device)
        import cupy
        from array_api_compat import cupy as standard

        self.xp = standard
        self._cupy = cupy
        self._number = int(self.device.removeprefix("cuda:"))
        cupy.cuda.Device(self._number).use()
        self._properties = cupy.cuda.runtime.getDeviceProperties(self._number)
        # Captured before any kernel is imported.
        self._copy, self._to_device, self._to_host = np.array, cupy.array, cupy.asnumpy
        self._wait = cupy.cuda.runtime.deviceSynchronize
        self._event, self._between_ms = cupy.cuda.Event, cupy.cuda.get_elapsed_time
        self._type = cupy.ndarray
        # The stream that waits for all others and they for it, whichever one a kernel makes the current one.
        self._stream = cupy.cuda.Stream.null
        # Memory asked of the driver itself, so that the pool's figures are the kernel's alone.
        self._scratch_bytes = max(SCRATCH_BYTES, 2 * self._properties["l2CacheSize"])
        self._scratch = cupy.cuda.MemoryPointer(cupy.cuda.Memory(self._scratch_bytes), 0)

    def put(self, array: HostArray) -> Array:
        """Copy to the device, contiguous."""
        return self._to_device(self._copy(array, order="C"))

    def get(self, array: Array) -> HostArray:
        """Copy from the device, after the work queued so far."""
        host: HostArray = self._to_host(array)
        return host

    def native(self, value: Any) -> bool:
        """Accept `cupy.ndarray` alone, on this device."""
        return type(value) is self._type and bool(value.device.id == self._number)

    def ready(self, outputs: Any) -> Any:
        """Wait for the whole device."""
        self._wait()
        return outputs

    def synchronize(self) -> None:
        """Wait for the whole device."""
        self._wait()

    def timer(self) -> Timer | None:
        """Return CUDA events on the null stream."""
        return EventTimer(self._event, self._stream.record, self._between_ms)

    def flush(self) -> None:
        """Queue a write of at least twice the L2 cache; meanwhile the host launches what follows."""
        self._scratch.memset_async(0, self._scratch_bytes, self._stream)

    def memory_peak(self) -> int | None:
        """Return the bytes that CuPy's pool has ever taken from the driver; it gives none back unasked."""
        return int(self._cupy.get_default_memory_pool().total_bytes())

    def about(self) -> dict[str, str]:
        """Return the versions of CuPy, the CUDA runtime and the driver, and the GPU's name."""
        runtime = self._cupy.cuda.runtime
        return {
            "cupy": self._cupy.__version__,
            "cuda-runtime": _version(runtime.runtimeGetVersion()),
            "cuda-driver": _version(runtime.driverGetVersion()),
            "device": self._properties["name"].decode(),
        }


def _version(number: int) -> str:
    """Write CUDA's 13020 as 13.2."""
    return f"{number // 1000}.{number % 1000 // 10}"


BACKEND = CupyBackend
