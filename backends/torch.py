"""torch on the CPU or a GPU, one operation at a time as written.

Threads need no setting here: torch reads OMP_NUM_THREADS and the process's affinity when it is imported.
"""

import functools
from typing import Any, ClassVar

import numpy as np

from lar.contracts import Array, HostArray, Timer

from ._common import SCRATCH_BYTES, EagerBackend, EventTimer, choose_device, import_failure


class TorchBackend(EagerBackend):
    """torch tensors on one device; on the CPU nothing is left to wait for when `run` returns."""

    name = "torch"
    install: ClassVar[str] = "lar[torch]"
    asynchronous: ClassVar[bool] = True

    @classmethod
    def available(cls) -> str | None:
        """Say whether torch is there; the CPU always is."""
        try:
            import torch  # noqa: F401 - asked whether it imports
        except ImportError as error:
            return import_failure(cls, "torch", error)
        return None

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """Name the GPUs that torch sees, then the CPU."""
        import torch

        return (*(f"cuda:{number}" for number in range(torch.cuda.device_count())), "cpu")

    def __init__(self, device: str | None = None) -> None:
        self.device = choose_device(type(self), device)
        import torch
        from array_api_compat import torch as standard

        self.xp = standard
        self._torch = torch
        self._where = torch.device(self.device)
        # Captured before any kernel is imported.
        self._copy, self._adopt, self._type = np.array, torch.from_numpy, torch.Tensor
        self._wait = functools.partial(torch.cuda.synchronize, self._where) if self._on_gpu else _nothing
        if self._on_gpu:
            self._event, self._between_ms = torch.cuda.Event, torch.cuda.Event.elapsed_time
            self._record = torch.cuda.default_stream(self._where).record_event
            torch.cuda.set_device(self._where)
            cache = torch.cuda.get_device_properties(self._where).L2_cache_size
            self._scratch = torch.empty(max(SCRATCH_BYTES, 2 * cache), dtype=torch.uint8, device=self._where)

    @property
    def _on_gpu(self) -> bool:
        return self.device != "cpu"

    def put(self, array: HostArray) -> Array:
        """Copy to the device; `from_numpy` would write through to the array it is given."""
        return self._adopt(self._copy(array, order="C")).to(self._where)

    def get(self, array: Array) -> HostArray:
        """Copy from the device."""
        host: HostArray = self._copy(array.detach().cpu().numpy())
        return host

    def native(self, value: Any) -> bool:
        """Accept `torch.Tensor` alone, on this device."""
        return type(value) is self._type and bool(value.device == self._where)

    def ready(self, outputs: Any) -> Any:
        """Wait for the whole device."""
        self._wait()
        return outputs

    def synchronize(self) -> None:
        """Wait for the whole device."""
        self._wait()

    def timer(self) -> Timer | None:
        """Return CUDA events on the default stream, which waits for the others and they for it; the CPU has none."""
        if not self._on_gpu:
            return None
        return EventTimer(functools.partial(self._event, enable_timing=True), self._record, self._between_ms)

    def flush(self) -> None:
        """Queue a write of at least twice the L2 cache; meanwhile the host launches what follows."""
        if self._on_gpu:
            self._scratch.zero_()

    def memory_peak(self) -> int | None:
        """Return the most bytes that tensors have held on the GPU at once, the flush's own left out."""
        if not self._on_gpu:
            return None
        held: int = self._torch.cuda.max_memory_allocated(self._where) - self._scratch.nbytes
        return held

    def about(self) -> dict[str, str]:
        """Return the versions of torch and CUDA, and the device's name."""
        about = {"torch": str(self._torch.__version__), "threads": str(self._torch.get_num_threads())}
        if self._on_gpu:
            about["cuda-runtime"] = str(self._torch.version.cuda)
            about["device"] = self._torch.cuda.get_device_name(self._where)
        return about


def _nothing() -> None:
    """Wait for nothing."""


BACKEND = TorchBackend
