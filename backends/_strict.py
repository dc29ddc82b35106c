"""The standard and nothing more: array-api-strict with every permission taken away that a compiler could not grant.

Shapes that depend on data and indexing by a boolean array are off, and arrays live on a device that is not the
namespace's default, so that a creation call without ``device=`` fails here and not first on a user's GPU.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from lar.contracts import Array, Backend, HostArray, Query, Statics, Tree

from ._common import choose_device, import_failure, one_line


class StrictBackend(Backend):
    """array-api-strict held to one version of the standard.

    Attributes
    ----------
    api_version : str
        The version, as array-api-strict names it (``2024.12``).
    """

    purpose: ClassVar[str] = "conformance"
    install: ClassVar[str] = "lar[test]"
    api_version: ClassVar[str]

    @classmethod
    def available(cls) -> str | None:
        """Say whether array-api-strict is there and knows this version."""
        try:
            import array_api_strict
        except ImportError as error:
            return import_failure(cls, "array_api_strict", error)
        try:
            with array_api_strict.ArrayAPIStrictFlags(api_version=cls.api_version):
                return None
        except ValueError as error:
            return f"array_api_strict is too old ({one_line(error)}): pip install --upgrade '{cls.install}'"

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """Name the devices that array-api-strict pretends to have."""
        return ("device1", "CPU_DEVICE")

    def __init__(self, device: str | None = None) -> None:
        self.device = choose_device(type(self), device)
        import array_api_strict

        self.xp = array_api_strict
        self._where = array_api_strict.Device(self.device)
        self._host = array_api_strict.Device("CPU_DEVICE")
        self._type = type(array_api_strict.empty(0))
        self._enforce()

    def _enforce(self) -> None:
        """Set the flags, which are the process's: with two versions open, the one that was used last holds."""
        self.xp.set_array_api_strict_flags(
            api_version=self.api_version, boolean_indexing=False, data_dependent_shapes=False
        )

    def put(self, array: HostArray) -> Array:
        """Copy to the device."""
        self._enforce()
        return self.xp.asarray(np.array(array), device=self._where)

    def get(self, array: Array) -> HostArray:
        """Copy from the device."""
        return np.array(array.to_device(self._host))

    def native(self, value: Any) -> bool:
        """Accept array-api-strict's one array type on this device."""
        return type(value) is self._type and bool(value.device == self._where)

    def compile(self, run: Callable[..., Any], statics: Statics) -> Callable[[Tree, Query], Any]:
        """Bind the namespace and the statics, and set this version before every call."""

        def call(state: Tree, query: Query) -> Any:
            self._enforce()
            return run(self.xp, state, query, **statics)

        return call

    def about(self) -> dict[str, str]:
        """Return the versions of the library and of the standard it is held to."""
        return {"array-api-strict": self.xp.__version__, "array-api": self.api_version}
