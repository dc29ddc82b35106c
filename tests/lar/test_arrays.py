"""A user's arrays from npz and Parquet files, with a clear word for what is none."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lar import arrays
from lar.errors import BadInputError, LarError


def written(path: Path, **columns: object) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


def test_npz_and_parquet_give_the_same_arrays(tmp_path: Path) -> None:
    codes, cube = np.arange(12, dtype=np.uint8).reshape(4, 3), np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    np.savez(tmp_path / "a.npz", codes=codes, cube=cube)
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(codes.ravel()), 3)
    path = written(
        tmp_path / "a.parquet",
        codes=fixed,
        cube=pa.array(cube.tolist(), pa.list_(pa.list_(pa.float32()))),
    )
    for name, array in arrays.read([tmp_path / "a.npz"]).items():
        other = arrays.read([path])[name]
        assert other.dtype == array.dtype
        np.testing.assert_array_equal(other, array)


def test_several_files_are_one_collection(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros(2))
    path = written(tmp_path / "b.parquet", b=np.ones(3, np.int32))
    assert sorted(arrays.read([tmp_path / "a.npz", path])) == ["a", "b"]
    with pytest.raises(LarError, match=r"a\.npz: array 'a' was in another file"):
        arrays.read([tmp_path / "a.npz", tmp_path / "a.npz"])


def test_a_column_that_is_no_array_is_named(tmp_path: Path) -> None:
    for column, said in (
        (pa.array([[1, 2], [3]]), "column 'x' has lists of 1 to 2 values"),
        (pa.array([1, None]), "column 'x' has 1 nulls"),
        (pa.array(["a"]), "column 'x' is string"),
    ):
        with pytest.raises(BadInputError, match=said):
            arrays.read([written(tmp_path / "x.parquet", x=column)])


def test_a_file_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no archive")
    (tmp_path / "text.parquet").write_text("no table")
    np.save(tmp_path / "one.npy", np.zeros(2))
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object))
    for name in ("missing.npz", "text.npz", "text.parquet", "one.npy", "objects.npz"):
        with pytest.raises(LarError, match=name) as caught:
            arrays.read([tmp_path / name])
        assert "\n" not in str(caught.value)
