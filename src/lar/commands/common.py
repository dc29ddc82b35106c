"""What the commands share: names resolved, requests made of words, text on stdout."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lar import bench, catalog
from lar.bench import Request
from lar.errors import LarError
from lar.report import document


def mount(roots: Sequence[Path]) -> None:
    """Mount the user's folders of targets, and those of installed packages."""
    catalog.mount([*roots, *catalog.installed_roots()])


def say(text: Any) -> None:
    """Print a command's result: text as it is, anything else as JSON."""
    print(text if isinstance(text, str) else document.dumps(text), flush=True)  # noqa: T201 - the command's result


def remark(text: str) -> None:
    """Print a line for the person who looks on."""
    print(f"lar: {text}", file=sys.stderr, flush=True)  # noqa: T201 - not the result


def measured_backends() -> list[str]:
    """Return the backends that are timed."""
    return [name for name in catalog.backend_names() if catalog.backend(name).purpose == "measure"]


def only_measured(backend: str) -> None:
    """Refuse a backend that is not timed.

    Raises
    ------
    LarError
        Naming those that are.
    """
    if catalog.backend(backend).purpose != "measure":
        expected = ", ".join(measured_backends())
        raise LarError(f"--backend {backend}: it exists to be unkind to kernels and is not timed. Expect {expected}")


def queries_a_call(words: str) -> tuple[int, ...]:
    """Return the numbers in ``1,32``."""
    try:
        return tuple(int(part) for part in words.split(","))
    except ValueError:
        raise LarError(f"--nq {words}: expect whole numbers separated by commas") from None


def checked(request: Request) -> Request:
    """Return the request; raises `LarError` if a word of it is none."""
    catalog.target(request.target)
    only_measured(request.backend)
    bench.validate(request)
    return request
