"""A user's arrays from files: every array of an ``npz``, every column of a Parquet file, by name."""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lar.contracts import HostArray
from lar.errors import BadInputError, LarError


def read(paths: Iterable[Path]) -> dict[str, HostArray]:
    """Read all arrays of files.

    Raises
    ------
    LarError
        If a file is missing, of another kind or unreadable, or if two files hold an array of one name.
    BadInputError
        If a column cannot be an array: rows of unequal lengths, nulls, text.
    """
    found: dict[str, HostArray] = {}
    for path in paths:
        if not path.is_file():
            raise LarError(f"{path}: no such file")
        arrays = _of_parquet(path) if path.suffix == ".parquet" else _of_npz(path)
        twice = sorted(found.keys() & arrays.keys())
        if twice:
            raise LarError(f"{path}: array {twice[0]!r} was in another file already")
        found |= arrays
    return found


def _of_npz(path: Path) -> dict[str, HostArray]:
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise LarError(f"{path}: one array without a name. Expect an .npz or .parquet file")
        with archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise LarError(f"{path}: {error}. Expect an .npz or .parquet file of plain arrays") from None


def _of_parquet(path: Path) -> dict[str, HostArray]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise LarError(f"{path}: pyarrow is needed to read it: pip install 'lar[parquet]'") from None
    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise LarError(f"{path}: {error}") from None
    return {name: _column(name, table.column(name).combine_chunks()) for name in table.column_names}


def _column(name: str, column: Any) -> HostArray:
    """Return a column of numbers, or of lists of equal lengths (of lists ...), as an array of as many axes."""
    import pyarrow as pa

    if column.null_count:
        raise BadInputError(f"column {name!r} has {column.null_count} nulls, expected none")
    if pa.types.is_fixed_size_list(column.type) or pa.types.is_list(column.type):
        lengths = np.unique(column.value_lengths().to_numpy(zero_copy_only=False))
        if len(lengths) > 1:
            raise BadInputError(
                f"column {name!r} has lists of {lengths[0]} to {lengths[-1]} values, expected one length"
            )
        inner = _column(name, column.flatten())
        return inner.reshape(len(column), -1, *inner.shape[1:])
    values: HostArray = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind not in "fiub":
        raise BadInputError(f"column {name!r} is {column.type}, expected numbers")
    return values
