"""NumPy on the CPU: the smallest adapter, and the one to read first.

The namespace is NumPy itself. From 2.1 on, the least version asked for, it implements the standard's functions under
their own names; array_api_compat.numpy would only put a Python call of about a microsecond round each of them.
"""

from typing import Any

import numpy as np

from lar.contracts import Array, HostArray

from ._common import EagerBackend, choose_device


class NumpyBackend(EagerBackend):
    """NumPy arrays in this process's memory."""

    name = "numpy"

    @classmethod
    def available(cls) -> str | None:
        """Return None: NumPy is a dependency of this package."""
        return None

    def __init__(self, device: str | None = None) -> None:
        self.device = choose_device(type(self), device)
        self.xp = np
        self._copy, self._type = np.array, np.ndarray  # captured before any kernel is imported

    def put(self, array: HostArray) -> Array:
        """Copy, contiguous."""
        return self._copy(array, order="C")

    def view(self, array: HostArray) -> Array:
        """Return the array itself."""
        return array

    def get(self, array: Array) -> HostArray:
        """Copy, so that a later call cannot change what was returned."""
        host: HostArray = self._copy(array)
        return host

    def native(self, value: Any) -> bool:
        """Accept `numpy.ndarray` alone: a subclass could compute when it is compared."""
        return type(value) is self._type

    def about(self) -> dict[str, str]:
        """Return NumPy's version."""
        return {"numpy": np.__version__}


BACKEND = NumpyBackend
