"""Where a checkout keeps the two top-level folders that belong to the package: `backends` and `targets`."""

from pathlib import Path

_ROOT = Path(__file__).parents[2]
MARK = _ROOT / "HARNESS.md"
"""Tells a checkout from an installed wheel; a worker must be able to see it."""


def portion(folder: str) -> list[str]:
    """Return where the checkout keeps `lar.<folder>`; nothing once installed from a wheel, which holds it itself."""
    return [str(_ROOT / folder)] if MARK.is_file() else []
