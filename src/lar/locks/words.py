"""What a holder writes into its lock's file, and how others read it: never believed of a process that is gone."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lar import processes

_BYTES = 2048  # a write of that many is one write; what is shorter is filled up with spaces


def write_words(descriptor: int, doing: str) -> None:
    """Write who holds the lock; a full disk leaves it a lock without words."""
    words = {
        **processes.identity(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "doing": doing or " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }
    words["doing"] = words["doing"][:256]  # of at most six bytes each
    text = json.dumps(words, ensure_ascii=False).encode("utf-8", "replace")
    with contextlib.suppress(OSError):
        os.pwrite(descriptor, text.ljust(_BYTES), 0)


def holder(descriptor: int) -> str:
    """Say who holds a lock that another process has; a holder that has only just taken it is given time to write."""
    for _ in range(5):
        words = _read(descriptor)
        if words and not processes.gone(words):
            since = "".join(c for c in str(words.get("since")) if c.isascii() and c.isprintable())
            doing = "".join(c if c.isprintable() else "?" for c in str(words.get("doing")))
            return f"process {words['pid']} since {since} ({doing})"
        time.sleep(0.01)
    return "another process, which does not say who it is"


def _read(descriptor: int) -> Mapping[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        words = json.loads(os.pread(descriptor, _BYTES, 0))
        if isinstance(words, dict):
            return words
    return {}
