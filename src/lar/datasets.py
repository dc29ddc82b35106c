"""Data sets and truths of one command, built once and shared by all its backends; secret seeds are drawn here.

Building a data set (training, encoding) takes longer than timing a kernel on it, so built ones are kept in the user's
cache folder, named by the content of everything they are made from.
"""

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lar import cache, catalog, pq, sampling
from lar.contracts import Case, Data, HostArray, Query, Target, Truth

_KEPT_BYTES = 4 << 30
_GENERATORS = (Path(sampling.__file__), *sorted(Path(pq.__file__).parent.glob("*.py")))
"""What targets make data sets with, besides their own modules."""


def secret_seed() -> int:
    """Return a seed that nothing could know in advance."""
    return int.from_bytes(os.urandom(7), "little")


class Datasets:
    """Builds each data set of a target once and holds it against the target's contract.

    Attributes
    ----------
    target : Target
    recorded : tuple of Case
        Workloads of a user's own beside the generated ones (see `lar.recorded`).
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.recorded: tuple[Case, ...] = ()
        self._source = _source(catalog.folder(target.name))
        self._data: dict[str, Data] = {}
        self._pinned: dict[str, list[tuple[Query, Truth]]] = {}

    def data(self, case: Case) -> Data:
        """Return the data set of a case.

        Raises
        ------
        BadInputError
            If the generator broke the target's own contract.
        """
        if case.data_key not in self._data:
            path = self._path(case)
            found = _read(path) if path else None
            built = self.target.data(case) if found is None else found
            self.target.check(case, built)
            if path and found is None:
                _keep(path, built)
            self._data[case.data_key] = built
        return self._data[case.data_key]

    def pinned(self, case: Case, count: int) -> list[tuple[Query, Truth]]:
        """Return the case's pinned queries with their truths, the same in every run."""
        if case.name not in self._pinned:
            data = self.data(case)
            queries = self.target.queries(case, data, case.seed, count)
            self._pinned[case.name] = [(query, self.target.reference(case, data, query)) for query in queries]
        return self._pinned[case.name]

    def _path(self, case: Case) -> Path | None:
        home = cache.folder()
        facts = repr((self.target.name, case.data_key, case.seed, self._source))
        return home / "inputs" / f"{hashlib.sha256(facts.encode()).hexdigest()[:24]}.npz" if home else None


def _source(home: Path) -> str:
    """Return a hash of the code that makes data sets: the target's own modules but the kernels, and the generators."""
    digest = hashlib.sha256(np.__version__.encode())
    paths = sorted(path for path in home.glob("*.py") if path.name != "portable.py")
    for path in (*paths, *_GENERATORS):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, HostArray]]:
    """Yield the arrays of nested dicts and tuples by their paths: ``codes``, ``lists/0``."""
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}/")
        elif isinstance(value, tuple):
            yield from flat({str(number): one for number, one in enumerate(value)}, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value


def nested(arrays: Mapping[str, HostArray]) -> dict[str, Any]:
    """Return the nested dicts of which these are the arrays by their paths."""
    data: dict[str, Any] = {}
    for path, array in arrays.items():
        *parents, name = path.split("/")
        place = data
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = array
    return data


def _read(path: Path) -> Data | None:
    """Return a kept data set; None if there is none, or if what is there cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
        path.touch()
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
    return nested(found)


def _keep(path: Path, data: Data) -> None:
    """Write a data set aside, then in place; a full disk or a read-only folder only costs the next run its time."""
    arrays = dict(flat(data))
    if sum(array.nbytes for array in arrays.values()) > _KEPT_BYTES // 8:
        return
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub takes a name of its own for any keyword
        scratch.replace(path)
        _prune(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            scratch.unlink()


def _prune(home: Path) -> None:
    """Drop the data sets not used for longest until the rest fits."""
    files = sorted(home.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in files:
        total += path.stat().st_size
        if total > _KEPT_BYTES:
            path.unlink(missing_ok=True)


class Disguised(Datasets):
    """The data sets of another collection under a secret disguise: as hard, and known to nobody before.

    Parameters
    ----------
    known : Datasets
        Whose data is disguised, each set once.
    """

    def __init__(self, known: Datasets) -> None:
        super().__init__(known.target)
        self._known = known
        self._seed = secret_seed()

    def data(self, case: Case) -> Data:
        """Return the disguised data set of a case."""
        if case.data_key not in self._data:
            disguised = self.target.disguise(case, self._known.data(case), self._seed)
            self.target.check(case, disguised)
            self._data[case.data_key] = disguised
        return self._data[case.data_key]
