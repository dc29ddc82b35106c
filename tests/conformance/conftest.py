"""Every backend that the catalog knows, opened where it can run and skipped with its own reason where it cannot."""

import contextlib
from collections.abc import Callable

import pytest

from lar import catalog
from lar.contracts import Backend

NEEDS_GPU = {"cupy"}
NAMES = [
    pytest.param(name, marks=pytest.mark.gpu if name in NEEDS_GPU else ()) for name in sorted(catalog.backend_names())
]


EVERYWHERE = "pq-l2"
"""The target that CI runs on every backend; compiling all of them on all takes longer than CI may."""

_QUICK = {"numpy", "numpy_readonly", "strict"}


def marks_of(target: str, backend: str) -> list[pytest.MarkDecorator]:
    """Return the marks of a cell: what needs a GPU, and what is left to the sweep (`just test-slow`)."""
    marks = [pytest.mark.gpu] if backend in NEEDS_GPU else []
    return marks if target == EVERYWHERE or backend in _QUICK | NEEDS_GPU else [*marks, pytest.mark.slow]


def marked(target: str) -> object:
    """Return the target as a parameter for a test that compiles or doubts all of its portable kernel."""
    return pytest.param(target, marks=() if target == EVERYWHERE else pytest.mark.slow)


def opened(name: str) -> Backend:
    """Open a backend on its preferred device, or skip the test that asks."""
    adapter = catalog.backend(name)
    reason = adapter.available()
    if reason is not None:
        pytest.skip(reason)
    if name == "jax":
        _be_strict()
    return adapter()


@pytest.fixture(params=NAMES)
def open_backend(request: pytest.FixtureRequest) -> Backend:
    """Run the test once on each backend."""
    return opened(request.param)


@pytest.fixture
def open_named() -> Callable[[str], Backend]:
    """Open the backend of that name, or skip the test."""
    return opened


def _be_strict() -> None:
    """Make JAX refuse what it would otherwise convert in silence."""
    import jax

    jax.config.update("jax_numpy_dtype_promotion", "strict")
    with contextlib.suppress(AttributeError):  # an option of newer releases
        jax.config.update("jax_explicit_x64_dtypes", "error")
