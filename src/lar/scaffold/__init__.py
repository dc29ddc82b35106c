"""`lar new`: a whole new target, right from its first minute, copied from one that is right.

1. A new target is a copy of a working one under a new name: of the house's template, or of any target there is. It
   passes the conformance suite and `lar check` at once, unedited, so that what fails later is what was edited.
2. In the checkout the copy brings its page and its tests along; elsewhere it is the target's folder alone.
3. Nothing is overwritten, and a copy that fails half-way leaves nothing behind.
"""

import importlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lar import catalog
from lar._checkout import portion
from lar.errors import LarError
from lar.scaffold import naming
from lar.scaffold.naming import Name

TEMPLATE = "masked-squares"
"""The target that a new one is a copy of, where no other is named."""

_TEMPLATE_ROOT = Path(__file__).parent / "template"
_LEFT_OUT = frozenset({"__pycache__", "results.tsv", "lessons.md"})
"""Compiled code, and what was learnt about another target's kernels on another machine."""


@dataclass(frozen=True)
class _Source:
    """Where a target that is copied lives: its folder, and the checkout round it where there is one."""

    name: Name
    home: Path
    checkout: Path | None


def create(name: str, *, like: str | None = None, folder: Path | None = None) -> list[Path]:
    """Create a target and return the files written.

    Parameters
    ----------
    name : str
        The new target's name, as it will be typed on the command line.
    like : str, optional
        The target to copy; by default the template, a small one with a page, tests and a compiled kernel.
    folder : Path, optional
        A folder for targets, made where it is missing; by default the checkout's own, with ``docs/`` and ``tests/``.

    Returns
    -------
    list of Path
        In the order to read them.

    Raises
    ------
    LarError
        If the name is unfit or taken, there is no target to copy, or neither a checkout nor a folder to put it in.
    """
    if folder is not None and folder.is_dir():
        catalog.mount([folder])
    new = naming.parse(name, taken=[*catalog.target_names(), *catalog.backend_names()])
    source = _source(like)
    copies = dict(_copies(source, new, folder))
    for path in copies:
        if path.exists():
            raise LarError(f"{path} exists already: choose another name, or remove it")
    home = next(iter(copies)).parent
    if home.exists():
        raise LarError(f"{home} exists already: choose another name, or remove it")
    _write(copies, source.name, new)
    importlib.invalidate_caches()
    return list(copies)


def _source(like: str | None) -> _Source:
    if like is None:
        template = Name(TEMPLATE)
        return _Source(template, _targets_of(_TEMPLATE_ROOT) / template.snake, _TEMPLATE_ROOT)
    home, checkout = catalog.folder(like), _checkout()
    within = checkout is not None and home.parent == _targets_of(checkout)
    return _Source(Name(like), home, checkout if within else None)


def _copies(source: _Source, new: Name, folder: Path | None) -> Iterator[tuple[Path, Path]]:
    """Yield (new file, file it is a copy of): the target's folder, then page and tests where they have a place."""
    checkout = _checkout()
    if folder is None and checkout is None:
        raise LarError("no checkout here to put it in: name a folder for targets of your own with --targets DIR")
    root = folder.resolve() if folder is not None else _targets_of(checkout)
    files = [path for path in source.home.rglob("*") if path.is_file() and not _left_out(path.relative_to(source.home))]
    for path in sorted(files, key=lambda one: (len(one.relative_to(source.home).parts), one.suffix != ".py", one.name)):
        yield root / new.snake / path.relative_to(source.home), path
    if folder is None and checkout is not None and source.checkout is not None:
        page = Path("docs", "targets", f"{source.name.kebab}.md")
        if (source.checkout / page).is_file():
            yield checkout / page.with_name(f"{new.kebab}.md"), source.checkout / page
        tests = source.checkout / "tests" / "targets"
        for path in sorted(tests.glob(f"test_{source.name.snake}.py")) + sorted(
            tests.glob(f"test_{source.name.snake}_tuned_*.py")
        ):
            own = f"test_{new.snake}{path.name.removeprefix(f'test_{source.name.snake}')}"
            yield checkout / "tests" / "targets" / own, path


def _left_out(path: Path) -> bool:
    return bool(_LEFT_OUT & set(path.parts)) or any(part.startswith(".") for part in path.parts)


def _write(copies: dict[Path, Path], old: Name, new: Name) -> None:
    """Write all or nothing."""
    home = next(iter(copies)).parent
    try:
        for path, original in copies.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(naming.renamed(original, old, new))
    except BaseException as error:
        shutil.rmtree(home, ignore_errors=True)
        for path in copies:
            if path.parent.is_dir():
                path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise LarError(f"{home} cannot be written: {error}") from error
        raise


def _checkout() -> Path | None:
    """Return the checkout this code runs from; None once installed from a wheel."""
    return next((Path(path).parent for path in portion("targets")), None)


def _targets_of(checkout: Path | None) -> Path:
    return (checkout or Path()) / "targets"
