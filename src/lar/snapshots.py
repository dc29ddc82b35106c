"""Kernels as they were when they were looked at: their files, and folders to run them from.

A trial must judge what was there when it began, whatever the agent edits meanwhile, and must never run stale bytecode
(Python tells files apart by whole seconds and size). So the kernel's files are read once, and every kernel runs from a
new folder named by the hash of its content, which holds the target's frozen files and this one kernel.
"""

import hashlib
import io
import os
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import lar.backends
from lar import catalog
from lar.errors import LarError

_NOT_FROZEN = {"__pycache__", "tuned", "results.tsv", "lessons.md"}
_MOST_BYTES = 8 << 20
_SILENT = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENCODING, tokenize.ENDMARKER),
}


@dataclass(frozen=True)
class Snapshot:
    """The files of one kernel.

    Attributes
    ----------
    name : str
        ``portable`` or ``tuned/<backend>``: where the kernel stands in its target's folder.
    files : mapping of str to bytes
        Content by file name; the kernel's own file is named after the last part of `name`.
    """

    name: str
    files: Mapping[str, bytes]

    @property
    def hash(self) -> str:
        """A short content hash, the same as `catalog.kernel_hash` gives for these files."""
        return catalog.content_hash(self.files)

    @property
    def lines(self) -> int:
        """Lines of code in all files: those with more on them than comments, docstrings and white space."""
        return sum(code_lines(name, content) for name, content in self.files.items())


def take(target: str, backend: str, candidate: Path | None = None) -> Snapshot:
    """Read a candidate.

    Parameters
    ----------
    target, backend : str
        Whose kernel it is.
    candidate : Path or None
        A kernel file with those beside it of the same stem, or a folder that holds ``<backend>.py``; by default the
        working tree's ``tuned/<backend>.py``. The files are taken to be called ``<backend>.*``.

    Raises
    ------
    LarError
        If there is no such file, or it is larger than any kernel.
    """
    path = candidate or catalog.folder(target) / "tuned" / f"{backend}.py"
    if candidate is not None and path.is_dir():
        path = path / f"{backend}.py"
    if not path.is_file():
        if candidate is None:
            raise LarError(f"{target} has no tuned/{backend}.py: write one ({path}), or name a --candidate")
        raise LarError(f"--candidate {candidate}: no such file. Expect a kernel file, or a folder with {backend}.py.")
    files = {f"{backend}{part.suffix}": _read(part) for part in catalog.kernel_files(path)}
    return Snapshot(f"tuned/{backend}", files)


def portable(target: str) -> Snapshot:
    """Read the target's portable kernel."""
    return Snapshot("portable", {"portable.py": _read(catalog.folder(target) / "portable.py")})


def frozen(target: str) -> dict[str, str]:
    """Return the hash of every file that no agent may change: the target's own but its tuned kernels, and the house's.

    Keys are paths relative to the target's folder, or to the house with ``lar/`` before them.
    """
    home = catalog.folder(target)
    found = {str(path.relative_to(home)): _hash(path) for path in _files(home) if not _mutable(path, home)}
    house = Path(__file__).parent
    found |= {f"lar/{path.relative_to(house)}": _hash(path) for path in _files(house) if path.suffix == ".py"}
    for root in map(Path, lar.backends.__path__):
        found |= {f"lar/backends/{path.name}": _hash(path) for path in _files(root) if path.suffix == ".py"}
    return dict(sorted(found.items()))


def lay_out(snapshot: Snapshot, target: str, root: Path) -> Path:
    """Write the target's frozen files and this kernel into a folder of their own below `root`.

    Returns
    -------
    Path
        The folder to mount, ahead of all other roots; `kernel_in` finds the kernel in it.
    """
    home = catalog.folder(target)
    digest = hashlib.sha256(snapshot.hash.encode())
    sources = [path for path in _files(home) if not _mutable(path, home)]
    for path in sources:
        digest.update(str(path.relative_to(home)).encode() + b"\0" + path.read_bytes() + b"\0")
    mounted = root / digest.hexdigest()[:16]
    for path in sources:
        _write(mounted / home.name / path.relative_to(home), path.read_bytes())
    if snapshot.name != "portable":
        for name, content in snapshot.files.items():
            _write(mounted / home.name / "tuned" / name, content)
    else:
        _write(mounted / home.name / "portable.py", snapshot.files["portable.py"])
    return mounted


def kernel_in(mounted: Path, snapshot: Snapshot, target: str) -> Path:
    """Return the kernel's file in a folder that `lay_out` made."""
    return mounted / target.replace("-", "_") / f"{snapshot.name}.py"


def code_lines(name: str, content: bytes) -> int:
    """Count lines of code; in a file that is not Python, or not valid Python, those that are not blank."""
    if name.endswith(".py"):
        try:
            return _python_lines(content)
        except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
            pass
    return sum(1 for line in content.splitlines() if line.strip())


def _python_lines(content: bytes) -> int:
    lines: set[int] = set()
    alone = True  # whether a string here would be a statement of its own: a docstring
    for token in tokenize.tokenize(io.BytesIO(content).readline):
        if token.type in _SILENT:
            alone = alone or token.type in {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
            continue
        if not (alone and token.type == tokenize.STRING):
            lines.update(range(token.start[0], token.end[0] + 1))
        alone = False
    return len(lines)


def _files(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _mutable(path: Path, home: Path) -> bool:
    return path.relative_to(home).parts[0] in _NOT_FROZEN


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise LarError(f"{path} has {size >> 20} MiB, expected a kernel of at most {_MOST_BYTES >> 20} MiB")
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (0, 0))  # the content's hash is in the folder's name; caches that look at times see the same one
