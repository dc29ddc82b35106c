"""Kernels are read, not run: which ask for their library, and how they are called."""

from pathlib import Path

import pytest

from lar import catalog
from lar.examination import sources
from lar.examination.sources import Signature

ASKS = {
    "import jax": "imports jax",
    "from numpy import add": "imports numpy.add",
    "def run(xp):\n    return isinstance(xp, str)": "calls isinstance",
    "def run(xp):\n    return hasattr(xp, 'lax')": "calls hasattr",
    "def run(xp):\n    return xp.__name__": "asks for __name__",
    "def run(xp, name):\n    return name == 'cupy'": "compares with the name of a library",
    "def run(xp, name):\n    return name in ('a', 'torch')": "compares with the name of a library",
    "from lar import ops\ndef run(xp):\n    return ops.library(xp)": "asks `lar.ops` for the library",
}


@pytest.mark.parametrize("source", ASKS)
def test_a_kernel_that_asks_for_its_library_is_told_with_the_line(source: str, tmp_path: Path) -> None:
    path = tmp_path / "portable.py"
    path.write_text(source, encoding="utf-8")
    (found,) = sources.backend_tests(path)
    line = source.count("\n") + 1
    assert found == f"portable.py:{line} {ASKS[source]}"


def test_the_houses_portable_kernels_ask_for_nothing() -> None:
    path = catalog.folder("pq-l2") / "portable.py"
    assert sources.backend_tests(path) == []
    assert sources.uses(path, "lar.ops")
    assert not sources.uses(path, "lar.op")


def test_names_and_signatures(tmp_path: Path) -> None:
    path = tmp_path / "numpy.py"
    path.write_text(
        "from a import prepare as ready\nimport b.c\nSPACE: dict = {}\nX = Y = 1\n"
        "def run(xp, state, query, /, *, k, rows=4): ...\n",
        encoding="utf-8",
    )
    assert sources.names(path) == {"ready", "b", "SPACE", "X", "Y", "run"}
    assert sources.signature(path, "run") == Signature(("xp", "state", "query"), frozenset({"k"}), frozenset({"rows"}))
    assert sources.signature(path, "ready") is None
