"""What a brief quotes: a definition, one backend's priors, a package's names with their parameters."""

from pathlib import Path

import lar
from lar import catalog
from lar.commands import reading

PROGRAM = """# Program

## What is asked

### Numbers

that are right

## Priors

Of all.

### NumPy (numba)

loops

### JAX

scans

### Machines

two cores

## Call site

a store
"""


def test_a_definition_is_the_targets_docstring() -> None:
    assert reading.definition(catalog.folder("pq-l2")).startswith("`pq-l2`: the k nearest rows")


def test_priors_of_other_backends_are_left_out_and_nothing_else() -> None:
    text = reading.priors_of(PROGRAM, "numpy", ["numpy", "jax", "cupy"])
    assert "scans" not in text
    assert "### JAX" not in text
    for part in ("that are right", "Of all.", "loops", "two cores", "a store"):
        assert part in text
    assert "loops" not in reading.priors_of(PROGRAM, "jax", ["numpy", "jax"])


def test_names_come_with_parameters_and_what_they_do() -> None:
    text = reading.names_of(Path(lar.__file__).parent / "simd")
    assert text.startswith("The processor's vectors as values in numba")
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert any(line.startswith("- ``load(u8x64, array, index)``") for line in lines)  # made by another function
    assert any(line.startswith("- ``supports(*operations: str)``: Say whether") for line in lines)
    assert len(lines) == len({line.partition("(")[0] for line in lines}) > 15
