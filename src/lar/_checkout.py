"""Where a checkout keeps the two top-level folders that belong to the package: `backends` and `targets`."""

from pathlib import Path

_ROOT = Path(__file__).parents[2]


def portion(folder: str) -> list[str]:
    """Return where the checkout keeps `lar.<folder>`; nothing once installed from a wheel, which holds it itself."""
    return [str(_ROOT / folder)] if (_ROOT / "HARNESS.md").is_file() else []
