"""NumPy whose inputs cannot be written, not even by asking: a kernel that works in place fails here, loudly."""

from typing import Any, ClassVar

import numpy as np

from lar.contracts import Array, HostArray

from ._common import EagerBackend, choose_device


class NumpyReadonlyBackend(EagerBackend):
    """Arrays over immutable bytes; `setflags(write=True)` raises as well."""

    name = "numpy_readonly"
    purpose: ClassVar[str] = "conformance"

    @classmethod
    def available(cls) -> str | None:
        """Return None: NumPy is a dependency of this package."""
        return None

    def __init__(self, device: str | None = None) -> None:
        self.device = choose_device(type(self), device)
        self.xp = np

    def put(self, array: HostArray) -> Array:
        """Copy into bytes, which nothing can write."""
        return np.ndarray(array.shape, array.dtype, array.tobytes())

    def get(self, array: Array) -> HostArray:
        """Copy."""
        return np.array(array)

    def native(self, value: Any) -> bool:
        """Accept `numpy.ndarray` alone."""
        return type(value) is np.ndarray

    def about(self) -> dict[str, str]:
        """Return NumPy's version."""
        return {"numpy": np.__version__}


BACKEND = NumpyReadonlyBackend
