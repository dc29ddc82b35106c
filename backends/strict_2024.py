"""array-api-strict at the version that the oldest supported libraries implement: nothing newer may be needed."""

from ._strict import StrictBackend


class Strict2024Backend(StrictBackend):
    """The standard of December 2024."""

    name = "strict_2024"
    api_version = "2024.12"


BACKEND = Strict2024Backend
