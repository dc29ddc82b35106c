"""Workloads of a user's own arrays: held against the target once, written to one file, timed beside generated ones.

A recorded query may come more than once, so a kernel could remember it. That is why such a workload is reported apart
and counts neither in a figure over workloads nor at the gate.
"""

import dataclasses
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query, Target
from lar.datasets import Datasets, flat
from lar.errors import BadInputError, LarError
from lar.trees import leaves, tree_map

FORMAT = "lar.workload/1"
QUERY = "query"
"""Arrays of this name (or below it: ``query/...``) are queries, one along the first axis for each call."""


@dataclass(frozen=True)
class Recording:
    """A named workload: a data set and the queries of many calls.

    Attributes
    ----------
    case : Case
        As the target describes it.
    data : Data
    queries : Query
        With a first axis of one entry a call.
    calls : int
        How many calls.
    """

    case: Case
    data: Data
    queries: Query
    calls: int

    def query(self, number: int) -> Query:
        """Return the query of one call."""
        return tree_map(lambda array: array[number], self.queries)


def record(target: Target, name: str, arrays: Mapping[str, HostArray], statics: Mapping[str, Any]) -> Recording:
    """Make a workload of arrays by their names.

    Parameters
    ----------
    target : Target
    name : str
    arrays : mapping
        The target's data by name (``a/b`` for a nested one), and ``query``.
    statics : mapping
        The kernel's keywords.

    Raises
    ------
    BadInputError
        If an array is missing, unknown or of the wrong number of dimensions, a keyword is missing or unknown, or the
        target's own checks find something, with its place.
    """
    if target.recorded is None:
        raise BadInputError(f"{target.name} takes no recorded inputs")
    example = target.battery(0)[0]
    sample = target.data(example)
    query = tree_map(lambda array: np.asarray(array)[None], target.queries(example, sample, 0, 1)[0])
    wanted = dict(flat({**sample, QUERY: query}))
    _known("keyword", statics, example.statics, "--set NAME=VALUE")
    _known("array", arrays, wanted, "an array")
    for path, array in arrays.items():
        if array.ndim != wanted[path].ndim:
            what = " (one query a call along the first axis)" if path.split("/")[0] == QUERY else ""
            raise BadInputError(f"{path} has {array.ndim} dimensions, expected {wanted[path].ndim}{what}")
    tree = {field: _like(one, arrays, field) for field, one in sample.items()}
    queries = _like(query, arrays, QUERY)
    lengths = {len(leaf) for leaf in leaves(queries)}
    if len(lengths) != 1 or not min(lengths):
        raise BadInputError(f"queries of {sorted(lengths)} calls: expect as many, and at least one, in every array")
    recording = Recording(example, tree, queries, lengths.pop())
    case = target.recorded(f"recorded/{name}", tree, recording.query(0), dict(statics))
    recording = dataclasses.replace(recording, case=dataclasses.replace(case, recorded=True))
    target.check(recording.case, tree)
    for number in range(recording.calls):
        target.check_query(recording.case, tree, recording.query(number))
    return recording


def write(path: Path, target: Target, recording: Recording) -> None:
    """Write a workload to a file: an ``npz`` with its arrays and a description.

    Raises
    ------
    LarError
        If the file cannot be written.
    """
    case = recording.case
    about = {
        "format": FORMAT,
        "target": target.name,
        "name": case.name.partition("/")[2],
        "statics": dict(case.statics),
    }
    everything = {**recording.data, QUERY: recording.queries}
    try:
        with path.open("wb") as file:
            np.savez(file, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **dict(flat(everything)))  # type: ignore[arg-type]
    except OSError as error:
        raise LarError(f"{path} cannot be written: {error.strerror}") from None


def read(path: Path, target: Target) -> Recording:
    """Read a workload, and hold it against the target again: the target may have changed, or the file.

    Raises
    ------
    LarError
        If it is no such file, or of another target, or if its arrays are not what the target takes.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(arrays.pop("about").tobytes())
        name, statics = str(about["name"]), dict(about["statics"])
        found = about["format"], about["target"]
    except FileNotFoundError:
        raise LarError(f"--workload {path}: no such file") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        raise LarError(f"--workload {path}: not a file of `lar capture`") from None
    if found != (FORMAT, target.name):
        raise LarError(f"--workload {path}: {found[0]} of {found[1]}, expected {FORMAT} of {target.name}")
    return record(target, name, arrays, statics)


class WithRecordings(Datasets):
    """The data sets of a target, and recorded ones.

    Parameters
    ----------
    target : Target
    recordings : sequence of Recording
    """

    def __init__(self, target: Target, recordings: Sequence[Recording]) -> None:
        self._recordings = {one.case.name: one for one in recordings}
        super().__init__(dataclasses.replace(target, queries=self._drawn(target.queries)))
        self.recorded = tuple(one.case for one in recordings)

    def data(self, case: Case) -> Data:
        """Return the data set of a case."""
        return self._recordings[case.name].data if case.recorded else super().data(case)

    def _drawn(
        self, generated: Callable[[Case, Data, int, int], list[Query]]
    ) -> Callable[[Case, Data, int, int], list[Query]]:
        """Return what draws queries: of a recorded case all of its own in random order, over and over."""

        def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
            if not case.recorded:
                return generated(case, data, seed, count)
            one = self._recordings[case.name]
            rounds = range(-(-count // one.calls))
            orders = [sampling.permutation(sampling.key(seed, "recorded", turn), one.calls) for turn in rounds]
            return [one.query(int(number)) for number in np.concatenate(orders)[:count]]

        return queries


def _like(example: Any, arrays: Mapping[str, HostArray], path: str) -> Any:
    """Return the arrays below a path in the form of an example."""
    if isinstance(example, Mapping):
        return {name: _like(one, arrays, f"{path}/{name}") for name, one in example.items()}
    if isinstance(example, tuple):
        return tuple(_like(one, arrays, f"{path}/{number}") for number, one in enumerate(example))
    return np.ascontiguousarray(arrays[path])


def _known(what: str, given: Mapping[str, Any], expected: Mapping[str, Any], example: str) -> None:
    for name in given:
        if name not in expected:
            raise BadInputError(f"unknown {what} {name!r}. Expect {', '.join(sorted(expected)) or 'none'}")
    for name in expected:
        if name not in given:
            raise BadInputError(
                f"{what} {name!r} is missing. Expect {example} for each of {', '.join(sorted(expected))}"
            )
