"""Finds targets, kernels and backends by name. Only this module imports them; the folder is the registry.

More roots can be mounted ahead of the house's own (a user's targets, a trial's folder): a root is a folder that holds
target folders, and the first root that has a name wins.
"""

import difflib
import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import cast

import lar.backends
import lar.targets
from lar.contracts import Backend, Target
from lar.errors import LarError, UnknownNameError


def mount(roots: Iterable[str | Path]) -> None:
    """Put folders of targets ahead of those already known, the first ahead of the second.

    Raises
    ------
    LarError
        If a root is not a folder, or a target of an earlier mount was imported already (a fresh process is needed).
    """
    fresh = [str(Path(root).resolve()) for root in roots]
    for root in fresh:
        if not Path(root).is_dir():
            raise LarError(f"--targets {root}: no such folder. Expect a folder that holds target folders.")
    known = [path for path in lar.targets.__path__ if path not in fresh]
    lar.targets.__path__[:] = [*fresh, *known]
    importlib.invalidate_caches()


def installed_roots() -> list[str]:
    """Return the folders that installed packages offer under the entry point group ``lar.targets``."""
    roots: list[str] = []
    for point in entry_points(group="lar.targets"):
        spec = importlib.util.find_spec(point.value)
        roots += list(spec.submodule_search_locations or []) if spec else []
    return roots


def target_names() -> list[str]:
    """Return the names of all targets in all roots, sorted."""
    found = {info.name for info in pkgutil.iter_modules(lar.targets.__path__) if info.ispkg}
    return sorted(name.replace("_", "-") for name in found)


def backend_names() -> list[str]:
    """Return the names of all backends, sorted."""
    return sorted(info.name for info in pkgutil.iter_modules(lar.backends.__path__) if not info.name.startswith("_"))


def target(name: str) -> Target:
    """Open a target by its command-line name.

    Raises
    ------
    UnknownNameError
        If no root has it; the message names the nearest.
    """
    if name not in target_names():
        raise UnknownNameError(_unknown("target", name, target_names()))
    return cast("Target", importlib.import_module(_module_of(name)).TARGET)


def backend(name: str) -> type[Backend]:
    """Return a backend's adapter class; its library is imported when the class is asked or opened.

    Raises
    ------
    UnknownNameError
        If there is none of that name; the message names the nearest.
    """
    if name not in backend_names():
        raise UnknownNameError(_unknown("backend", name, backend_names()))
    return cast("type[Backend]", importlib.import_module(f"lar.backends.{name}").BACKEND)


def folder(name: str) -> Path:
    """Return the folder of a target.

    Raises
    ------
    UnknownNameError
        If no root has it.
    """
    if name not in target_names():
        raise UnknownNameError(_unknown("target", name, target_names()))
    for root in lar.targets.__path__:
        path = Path(root) / name.replace("-", "_")
        if (path / "__init__.py").is_file():
            return path
    raise UnknownNameError(f"target {name!r} has no folder with an __init__.py")


def kernel_path(name: str, kernel: str, backend_name: str) -> Path:
    """Return the file of a kernel.

    Parameters
    ----------
    name : str
        The target.
    kernel : str
        ``tuned`` (the portable one where the backend has no tuned one), ``portable``, or a path.
    backend_name : str
        The backend whose tuned kernel is meant.

    Raises
    ------
    LarError
        If `kernel` is a path to nothing.
    """
    home = folder(name)
    tuned = home / "tuned" / f"{backend_name}.py"
    if kernel == "tuned":
        return tuned if tuned.is_file() else home / "portable.py"
    if kernel == "portable":
        return home / "portable.py"
    path = Path(kernel).resolve()
    if not path.is_file():
        raise LarError(f"--kernel {kernel}: no such file. Expect 'tuned', 'portable' or the path of a kernel file.")
    return path


def kernel_files(path: Path) -> list[Path]:
    """Return the files of a kernel: its own and those beside it of the same stem (``cupy.py cupy.cu``), by name."""
    return sorted(p for p in path.parent.iterdir() if p.stem == path.stem and p.is_file())


def kernel_hash(path: Path) -> str:
    """Return a short content hash of a kernel's files."""
    return content_hash({part.name: part.read_bytes() for part in kernel_files(path)})


def content_hash(files: Mapping[str, bytes]) -> str:
    """Return a short hash of files by name and content."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name] + b"\0")
    return digest.hexdigest()[:12]


def load_kernel(name: str, path: Path) -> ModuleType:
    """Import a kernel file; within the target's folder under its own name, elsewhere under a name made of its hash."""
    home = folder(name)
    if path.is_relative_to(home):
        parts = path.relative_to(home).with_suffix("").parts
        return importlib.import_module(".".join((_module_of(name), *parts)))
    module_name = f"lar_kernel_{kernel_hash(path)}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise LarError(f"--kernel {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module


def _module_of(name: str) -> str:
    return f"lar.targets.{name.replace('-', '_')}"


def _unknown(what: str, name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    return f"unknown {what} {name!r}. " + (f"Did you mean {' or '.join(near)}?" if near else f"Expect one of {names}.")
