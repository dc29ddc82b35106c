"""array-api-strict at the newest released version of the standard."""

from ._strict import StrictBackend


class Strict2025Backend(StrictBackend):
    """The standard of December 2025."""

    name = "strict"
    api_version = "2025.12"


BACKEND = Strict2025Backend
