"""What lar has found out about this machine, kept in the user's cache folder so that it need not be measured again.

Everything here can be deleted at any time. A file is written whole or not at all, and one that cannot be read counts as
not there, so that neither two processes at once nor a killed one can leave anything behind that misleads.
"""

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import Any


def folder() -> Path | None:
    """Return the cache folder: ``$LAR_CACHE``, else ``lar`` in ``$XDG_CACHE_HOME``, else ``~/.cache/lar``.

    None for a user without a home.
    """
    if own := os.environ.get("LAR_CACHE"):
        return Path(own)
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if shared.is_absolute():  # the XDG specification: a relative path is to be ignored
        return shared / "lar"
    with contextlib.suppress(RuntimeError):
        return Path.home() / ".cache" / "lar"
    return None


def load(name: str) -> Any | None:
    """Return what was saved under a name (a relative path); None if that is missing or damaged."""
    home = folder()
    if home is not None:
        with contextlib.suppress(OSError, ValueError):
            return json.loads((home / name).read_text(encoding="utf-8"))
    return None


def save(name: str, value: Any) -> bool:
    """Save a JSON-able value under a name, at once or not at all, and say whether that was possible.

    A folder that cannot be written to is no error: the next process measures again.
    """
    home = folder()
    if home is None:
        return False
    path = home / name
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(value, indent=1), encoding="utf-8")
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        return False
    return True
