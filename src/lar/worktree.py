"""What `lar` asks of git: the committed kernel, a clean tree before a trial, one commit after it, the file put back.

Everything goes through the `git` command with its own configuration left alone. Where there is no git, or no work tree,
there is no committed kernel, and `--commit` and `--revert` are refused.
"""

import subprocess
from pathlib import Path

from lar.errors import LarError


def committed(folder: Path, stem: str) -> dict[str, bytes] | None:
    """Return the last commit's files ``<stem>.*`` in a folder by name; None where there is no ``<stem>.py``."""
    listed = _git(folder, "ls-tree", "--name-only", "-z", "HEAD", "./")
    names = [] if listed is None else [name for name in listed.decode(errors="replace").split("\0") if name]
    mine = [name for name in names if Path(name).stem == stem]
    if f"{stem}.py" not in mine:
        return None
    files = {name: _git(folder, "show", f"HEAD:./{name}") for name in mine}
    return {name: content for name, content in files.items() if content is not None}


class WorkTree:
    """The git work tree round one slot's mutable files.

    Parameters
    ----------
    home : Path
        The target's folder.
    backend : str
        Whose tuned kernel is mutable.

    Raises
    ------
    LarError
        If `home` is in no work tree.
    """

    def __init__(self, home: Path, backend: str) -> None:
        top = _git(home, "rev-parse", "--show-toplevel")
        if top is None:
            raise LarError(f"--commit and --revert need git, and {home} is in no git work tree")
        self.root = Path(top.decode().rstrip("\n"))
        self.home = home.resolve()
        self.backend = backend

    @property
    def mutable(self) -> list[Path]:
        """The slot's files in the work tree: those that a trial may find changed."""
        return sorted(path for path in (self.home / "tuned").glob(f"{self.backend}.*") if path.is_file())

    @property
    def results(self) -> Path:
        """The table of trials beside the kernels."""
        return self.home / "results.tsv"

    def refuse_if_dirty(self) -> None:
        """Refuse a tree with changes beyond the mutable files and the table of trials.

        Raises
        ------
        LarError
            Naming the first of them.
        """
        output = self._run("status", "--porcelain=v1", "-z", "--untracked-files=all")
        entries = iter(output.decode(errors="surrogateescape").split("\0"))
        others = []
        for entry in entries:
            if entry[:1] in {"R", "C"}:
                next(entries, None)  # the old name of what was renamed
            path = self.root / entry[3:]
            if entry and not self._own(path):
                others.append(entry[3:])
        if others:
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            raise LarError(
                f"the work tree has other changes than tuned/{self.backend}.*: {others[0]}{more}. Commit them."
            )

    def commit(self, message: str, *, kernel: bool) -> str:
        """Commit the table of trials, and the mutable files where `kernel` says so; return the short commit."""
        paths = [self.results, *(self._touched() if kernel else [])]
        self._run("add", "-A", "--", *map(str, paths))
        self._run("commit", "--quiet", "-m", message, "--", *map(str, paths))
        return self._run("rev-parse", "--short", "HEAD").decode().strip()

    def revert(self) -> str:
        """Put the mutable files back to the last commit's, remove those it does not have; say which of the two."""
        before = committed(self.home / "tuned", self.backend) or {}
        touched = self._touched()
        if touched:
            self._run("reset", "--quiet", "--", *map(str, touched))
        for path in touched:
            if path.name in before:
                path.write_bytes(before[path.name])
            else:
                path.unlink()
        name = f"tuned/{self.backend}.*"
        return f"{name} put back to the last commit's" if before else f"{name} removed: no commit has it"

    def _touched(self) -> list[Path]:
        """Return the mutable files that are there or were committed: a removed one is a change too."""
        before = committed(self.home / "tuned", self.backend) or {}
        return sorted({*self.mutable, *(self.home / "tuned" / name for name in before)})

    def _own(self, path: Path) -> bool:
        mutable = path.parent == self.home / "tuned" and path.stem == self.backend
        return mutable or path == self.results

    def _run(self, *words: str) -> bytes:
        done = subprocess.run(["git", "-C", str(self.root), *words], capture_output=True, check=False)
        if done.returncode != 0:
            said = " ".join(done.stderr.decode(errors="replace").split())
            raise LarError(f"git {words[0]}: {said or 'failed'}")
        return done.stdout


def _git(folder: Path, *words: str) -> bytes | None:
    """Return what a git command prints in a folder; None where it fails, or there is no git."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
