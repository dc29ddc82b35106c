"""What the CUDA adapters say and add up, with a made-up driver and made-up events: none of it needs a GPU."""

import importlib
import sys
from types import ModuleType, SimpleNamespace

import pytest

from lar import catalog
from lar.errors import UnavailableError


class CUDARuntimeError(RuntimeError):
    """As `cupy.cuda.runtime` has it."""


def made_up_cupy(devices: int | str) -> ModuleType:
    """Return a module that finds so many devices, or whose driver answers with that error."""

    def get_device_count() -> int:
        if isinstance(devices, str):
            raise CUDARuntimeError(f"{devices}: what CUDA says of it\nin two lines")
        return devices

    cupy = ModuleType("cupy")
    runtime = SimpleNamespace(getDeviceCount=get_device_count, CUDARuntimeError=CUDARuntimeError)
    vars(cupy)["cuda"] = SimpleNamespace(runtime=runtime)
    return cupy


@pytest.mark.parametrize(
    ("devices", "says"),
    [
        ("cudaErrorInsufficientDriver", "no NVIDIA driver, or an old one (cudaErrorInsufficientDriver): install"),
        ("cudaErrorNoDevice", "no NVIDIA GPU is visible (cudaErrorNoDevice)"),
        ("cudaErrorSystemDriverMismatch", "the NVIDIA driver answers CUDARuntimeError: cudaErrorSystemDriverMismatch"),
        (0, "no NVIDIA GPU is visible"),
    ],
)
def test_cupy_says_what_is_missing(devices: int | str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", made_up_cupy(devices))
    adapter = catalog.backend("cupy")
    reason = adapter.available()
    assert reason is not None
    assert reason.startswith(says)
    assert "nvidia-smi" in reason
    assert "\n" not in reason
    assert adapter.devices() == ()
    with pytest.raises(UnavailableError) as told:
        adapter()
    assert str(told.value) == reason


def test_cupy_is_available_where_a_device_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", made_up_cupy(2))
    adapter = catalog.backend("cupy")
    assert adapter.available() is None
    assert adapter.devices() == ("cuda:0", "cuda:1")


def test_a_library_that_breaks_on_import_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "cupy.py").write_text("raise ImportError('libcudart.so.13:\\n cannot open')\n")
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(folder)
    reason = catalog.backend("cupy").available()
    assert reason is not None
    assert reason.startswith("cupy is installed and does not import (ImportError: libcudart.so.13: cannot open)")


def test_events_are_summed_and_used_again() -> None:
    event_timer = importlib.import_module("lar.backends._common").EventTimer
    clock_ms = 0.0
    made: list[list[float]] = []

    def make() -> list[float]:
        made.append([])
        return made[-1]

    timer = event_timer(make, lambda event: event.append(clock_ms), lambda start, stop: stop[-1] - start[-1])
    assert timer.elapsed_ns() == 0
    for pieces_ms in ((1.5, 0.25), (2.0,), (0.5, 0.5, 0.5)):
        for piece in pieces_ms:
            timer.start()
            clock_ms += piece
            timer.stop()
            clock_ms += 100  # between pieces: not counted
        assert timer.elapsed_ns() == sum(pieces_ms) * 1e6
    assert len(made) == 6  # three pairs at once at most
