"""The driver's library is called by its C signatures: here it is one of our own, since most test machines have none."""

import ctypes
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lar import nvidia

_NOT_SUPPORTED = 3
_POINTER = ctypes.c_void_p


def _function(body: Any, *types: Any) -> Any:
    return ctypes.CFUNCTYPE(ctypes.c_int, *types)(body)


def _text(value: bytes, *before: Any) -> Any:
    def body(*arguments: Any) -> int:
        buffer, size = arguments[-2:]
        assert len(value) < size
        ctypes.memmove(buffer, value + b"\0", len(value) + 1)
        return 0

    return _function(body, *before, _POINTER, ctypes.c_uint)


def _number(value: int, *before: Any, width: Any = ctypes.c_uint) -> Any:
    def body(*arguments: Any) -> int:
        ctypes.cast(arguments[-1], ctypes.POINTER(width))[0] = value
        return 0

    return _function(body, *before, _POINTER)


def _driver(**changed: Any) -> SimpleNamespace:
    def handle(index: int, pointer: int) -> int:
        ctypes.cast(pointer, ctypes.POINTER(_POINTER))[0] = _POINTER(0x1000 + index)
        return 0

    def memory(_: int, pointer: int) -> int:
        ctypes.cast(pointer, ctypes.POINTER(ctypes.c_ulonglong))[0] = 141 << 30
        return 0

    def capability(_: int, major: int, minor: int) -> int:
        for pointer, value in ((major, 9), (minor, 0)):
            ctypes.cast(pointer, ctypes.POINTER(ctypes.c_int))[0] = value
        return 0

    def clock(kind_of: dict[int, int]) -> Any:
        def body(_: int, kind: int, pointer: int) -> int:
            ctypes.cast(pointer, ctypes.POINTER(ctypes.c_uint))[0] = kind_of[kind]
            return 0

        return _function(body, _POINTER, ctypes.c_uint, _POINTER)

    functions = {
        "nvmlInit_v2": _function(lambda: 0),
        "nvmlShutdown": _function(lambda: 0),
        "nvmlSystemGetDriverVersion": _text(b"580.95.05"),
        "nvmlDeviceGetCount_v2": _number(1),
        "nvmlDeviceGetHandleByIndex_v2": _function(handle, ctypes.c_uint, _POINTER),
        "nvmlDeviceGetName": _text(b"NVIDIA H200", _POINTER),
        "nvmlDeviceGetUUID": _text(b"GPU-0a1b", _POINTER),
        "nvmlDeviceGetMemoryInfo": _function(memory, _POINTER, _POINTER),
        "nvmlDeviceGetCudaComputeCapability": _function(capability, _POINTER, _POINTER, _POINTER),
        "nvmlDeviceGetTemperature": _number(41, _POINTER, ctypes.c_uint),
        "nvmlDeviceGetClockInfo": clock({1: 345, 2: 3201}),
        "nvmlDeviceGetMaxClockInfo": clock({1: 1980, 2: 3201}),
        "nvmlDeviceGetCurrentClocksThrottleReasons": _number(0x5, _POINTER, width=ctypes.c_ulonglong),
    }
    return SimpleNamespace(**{name: call for name, call in {**functions, **changed}.items() if call is not None})


EXPECTED = {
    "index": 0,
    "name": "NVIDIA H200",
    "uuid": "GPU-0a1b",
    "memory_bytes": 141 << 30,
    "compute_capability": "9.0",
    "temperature_c": 41,
    "clocks_mhz": {"sm": 345, "memory": 3201},
    "max_clocks_mhz": {"sm": 1980, "memory": 3201},
    "throttle_reasons": ["gpu_idle", "sw_power_cap"],
}


def test_nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "_library", _driver)
    assert nvidia.describe() == {"driver": "580.95.05", "gpus": [EXPECTED]}


def test_what_the_driver_refuses_or_lacks_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = _function(lambda *_: _NOT_SUPPORTED, _POINTER, _POINTER)
    driver = _driver(nvmlDeviceGetMemoryInfo=refused, nvmlDeviceGetCurrentClocksThrottleReasons=None)
    monkeypatch.setattr(nvidia, "_library", lambda: driver)
    (gpu,) = nvidia.describe()["gpus"]
    assert gpu == {name: fact for name, fact in EXPECTED.items() if name not in {"memory_bytes", "throttle_reasons"}}


def _smi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(nvidia, "_library", lambda: None)


ROW = "0, NVIDIA H200, GPU-0a1b, 580.95.05, 144384, 9.0, 41, 345, 3201, 1980, 3201, 0x0000000000000005"


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for nvidia-smi is a shell script")
@pytest.mark.parametrize("known", ["clocks_event_reasons", "clocks_throttle_reasons"])
def test_nvidia_smi_of_newer_and_older_drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str) -> None:
    _smi(tmp_path, monkeypatch, f'case "$1" in *{known}.active*) echo "{ROW}";; *) exit 2;; esac')
    assert nvidia.describe() == {"driver": "580.95.05", "gpus": [EXPECTED]}


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for nvidia-smi is a shell script")
def test_nvidia_smi_that_tells_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = "0, GRID, [N/A], 580, [Not Supported], N/A, [N/A], [N/A], 5, [N/A], [N/A], [N/A]"
    _smi(tmp_path, monkeypatch, f'echo "{row}"')
    assert nvidia.describe() == {"driver": "580", "gpus": [{"index": 0, "name": "GRID", "clocks_mhz": {"memory": 5}}]}


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for nvidia-smi is a shell script")
def test_nvidia_smi_without_a_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _smi(tmp_path, monkeypatch, "echo NVIDIA-SMI has failed; exit 9")
    assert nvidia.describe() == {}


@pytest.mark.parametrize(
    ("asked", "shown"),
    [(None, [0, 1, 2]), ("2,0", [2, 0]), ("GPU-b", [1]), ("1,7,0", [1]), ("", []), ("-1", [])],
)
def test_visible_is_what_cuda_shows(asked: str | None, shown: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = [{"index": i, "uuid": f"GPU-{letter}"} for i, letter in enumerate("abc")]
    if asked is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", asked)
    assert [gpu["index"] for gpu in nvidia.visible(gpus)] == shown
