"""Targets, kernels and backends by name; roots mounted ahead of the house's own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import lar.targets
from lar import catalog
from lar.contracts import Backend
from lar.errors import LarError, UnknownNameError

GUESTS = Path(__file__).parents[1] / "guests"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = list(lar.targets.__path__)
    yield
    lar.targets.__path__[:] = before


def test_the_folder_is_the_registry() -> None:
    assert "pq-l2" in catalog.target_names()
    assert {"numpy", "numpy_readonly", "strict", "jax", "cupy", "torch"} <= set(catalog.backend_names())
    assert catalog.target("pq-l2").name == "pq-l2"


@pytest.mark.parametrize("name", catalog.backend_names())
def test_a_backend_is_called_like_its_file(name: str) -> None:
    adapter = catalog.backend(name)
    assert issubclass(adapter, Backend)
    assert adapter.name == name
    assert adapter.purpose in {"measure", "conformance"}


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown target 'pql2'. Did you mean pq-l2"):
        catalog.target("pql2")
    with pytest.raises(UnknownNameError, match=r"unknown backend 'cuppy'. Did you mean cupy"):
        catalog.backend("cuppy")
    with pytest.raises(UnknownNameError, match=r"Expect one of \["):
        catalog.backend("zzz")


def test_a_mounted_root_adds_targets_and_comes_first(tmp_path: Path) -> None:
    assert "axpy" not in catalog.target_names()
    catalog.mount([GUESTS])
    assert catalog.target("axpy").name == "axpy"
    assert catalog.folder("axpy") == GUESTS / "axpy"
    shutil.copytree(GUESTS / "axpy", tmp_path / "pq_l2")
    catalog.mount([tmp_path])
    assert catalog.folder("pq-l2") == tmp_path / "pq_l2"
    assert "pq-l2" in catalog.target_names()


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LarError, match="no such folder"):
        catalog.mount([tmp_path / "nothing"])


def test_kernels_are_found_by_word_and_by_path(tmp_path: Path) -> None:
    home = catalog.folder("pq-l2")
    assert catalog.kernel_path("pq-l2", "tuned", "numpy") == home / "tuned" / "numpy.py"
    assert catalog.kernel_path("pq-l2", "tuned", "strict") == home / "portable.py"
    assert catalog.kernel_path("pq-l2", "portable", "jax") == home / "portable.py"
    own = tmp_path / "mine.py"
    own.write_text("x = 1")
    assert catalog.kernel_path("pq-l2", str(own), "numpy") == own
    with pytest.raises(LarError, match="no such file"):
        catalog.kernel_path("pq-l2", str(tmp_path / "other.py"), "numpy")


def test_a_kernel_anywhere_may_import_the_targets_portable_one(tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text("from lar.targets.pq_l2.portable import prepare, run\n")
    module = catalog.load_kernel("pq-l2", own)
    assert callable(module.prepare)
    assert module.__name__.startswith("lar_kernel_")
    portable = catalog.load_kernel("pq-l2", catalog.folder("pq-l2") / "portable.py")
    assert portable.__name__ == "lar.targets.pq_l2.portable"
    assert module.run is portable.run


def test_a_kernels_hash_covers_the_files_of_its_stem(tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text("x = 1")
    before = catalog.kernel_hash(own)
    (tmp_path / "other.cu").write_text("no part of it")
    assert catalog.kernel_hash(own) == before
    (tmp_path / "mine.cu").write_text("a part of it")
    assert catalog.kernel_hash(own) != before
