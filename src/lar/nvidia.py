"""What NVIDIA's driver says of its GPUs: through NVML, the library every driver brings; else through `nvidia-smi`.

Nothing of CUDA is started, so asking costs no device memory and works while a kernel is being timed. Every figure is
asked for on its own: a driver that refuses one (virtual GPUs refuse many) leaves that one out.
"""

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

THROTTLE_REASONS = {
    0x1: "gpu_idle",
    0x2: "applications_clocks_setting",
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
    0x100: "display_clock_setting",
}
"""Why the clocks are lower than they could be: the bits of ``nvmlClocksEventReason*``."""

_CLOCKS = {"sm": 1, "memory": 2}  # nvmlClockType_t
_TEXT_BYTES = 96
_SMI_FIELDS = (
    "index",
    "name",
    "uuid",
    "driver_version",
    "memory.total",
    "compute_cap",
    "temperature.gpu",
    "clocks.sm",
    "clocks.mem",
    "clocks.max.sm",
    "clocks.max.mem",
)
_SMI_REASONS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")  # drivers since 535, and before


class _Memory(ctypes.Structure):
    """`nvmlMemory_t`."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def describe() -> dict[str, Any]:
    """Describe the driver and its GPUs.

    Returns
    -------
    dict
        Empty without an NVIDIA driver. Else ``driver`` (str) and ``gpus``: for each, in NVML's order, ``index name``
        and, where told, ``uuid`` (str), ``memory_bytes`` (int), ``compute_capability`` (str), ``temperature_c`` (int),
        ``clocks_mhz`` and ``max_clocks_mhz`` (by ``sm memory``), ``throttle_reasons`` (members of `THROTTLE_REASONS`).
    """
    library = _library()
    if _ask(library, "nvmlInit_v2"):
        try:
            return _from_nvml(library)
        finally:
            _ask(library, "nvmlShutdown")
    return _from_smi()


def visible(gpus: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the GPUs that CUDA shows to this process, in its order, by ``CUDA_VISIBLE_DEVICES``.

    A number there is taken for NVML's index. CUDA counts so with ``CUDA_DEVICE_ORDER=PCI_BUS_ID``; without it, the same
    only where all GPUs are of one model, where the difference does not matter to what is asked here.
    """
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return gpus
    shown: list[dict[str, Any]] = []
    for entry in map(str.strip, wanted.split(",")):
        match = [g for g in gpus if str(g["index"]) == entry or (entry and g.get("uuid", "").startswith(entry))]
        if not match:
            break  # as CUDA does: an invalid entry hides itself and all after it
        shown += match[:1]
    return shown


def _library() -> Any | None:
    name = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
    with contextlib.suppress(OSError):
        return ctypes.CDLL(name)
    return None


def _from_nvml(library: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"gpus": []}
    if driver := _text(library, "nvmlSystemGetDriverVersion"):
        facts["driver"] = driver
    for index in range(_number(library, "nvmlDeviceGetCount_v2") or 0):
        handle = ctypes.c_void_p()
        if _ask(library, "nvmlDeviceGetHandleByIndex_v2", index, ctypes.byref(handle)):
            facts["gpus"].append({"index": index, **dict(_gpu(library, handle))})
    return facts


def _gpu(library: Any, handle: ctypes.c_void_p) -> Iterator[tuple[str, Any]]:
    yield "name", _text(library, "nvmlDeviceGetName", handle) or "NVIDIA GPU"
    if uuid := _text(library, "nvmlDeviceGetUUID", handle):
        yield "uuid", uuid
    memory = _Memory()
    if _ask(library, "nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory)):
        yield "memory_bytes", memory.total
    major, minor = ctypes.c_int(), ctypes.c_int()
    if _ask(library, "nvmlDeviceGetCudaComputeCapability", handle, ctypes.byref(major), ctypes.byref(minor)):
        yield "compute_capability", f"{major.value}.{minor.value}"
    if (celsius := _number(library, "nvmlDeviceGetTemperature", handle, 0)) is not None:  # 0: the chip itself
        yield "temperature_c", celsius
    for name, call in (("clocks_mhz", "nvmlDeviceGetClockInfo"), ("max_clocks_mhz", "nvmlDeviceGetMaxClockInfo")):
        clocks = {clock: _number(library, call, handle, kind) for clock, kind in _CLOCKS.items()}
        if told := {clock: mhz for clock, mhz in clocks.items() if mhz is not None}:
            yield name, told
    bits = ctypes.c_ulonglong()
    if _ask(library, "nvmlDeviceGetCurrentClocksThrottleReasons", handle, ctypes.byref(bits)):
        yield "throttle_reasons", _reasons(bits.value)


def _ask(library: Any, name: str, *arguments: Any) -> bool:
    function = getattr(library, name, None)
    return function is not None and function(*arguments) == 0


def _text(library: Any, name: str, *arguments: Any) -> str | None:
    buffer = ctypes.create_string_buffer(_TEXT_BYTES)
    told = _ask(library, name, *arguments, buffer, _TEXT_BYTES)
    return buffer.value.decode(errors="replace") if told else None


def _number(library: Any, name: str, *arguments: Any) -> int | None:
    value = ctypes.c_uint()
    return value.value if _ask(library, name, *arguments, ctypes.byref(value)) else None


def _reasons(bits: int) -> list[str]:
    return [name for bit, name in THROTTLE_REASONS.items() if bits & bit]


def _from_smi() -> dict[str, Any]:
    for reasons in _SMI_REASONS:
        query = f"--query-gpu={','.join(_SMI_FIELDS)},{reasons}"
        command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
        try:
            done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=10)
        except FileNotFoundError:
            return {}
        except (OSError, subprocess.SubprocessError):
            continue  # no driver at work, or one that does not know this field
        names = (*_SMI_FIELDS, "bits")
        rows = [dict(zip(names, map(str.strip, line.split(",")), strict=False)) for line in done.stdout.splitlines()]
        gpus = [dict(_smi_gpu(row)) for row in rows if row.get("index", "").isdigit()]
        return {"driver": rows[0]["driver_version"], "gpus": gpus} if gpus else {}
    return {}


def _smi_gpu(row: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Leave out what is not told: ``[N/A]``, ``[Not Supported]``."""
    told = {name: value for name, value in row.items() if not value.startswith("[") and value != "N/A"}
    numbers = {name: int(value) for name, value in told.items() if value.isdigit()}
    yield "index", numbers["index"]
    yield "name", told.get("name", "NVIDIA GPU")
    if "uuid" in told:
        yield "uuid", told["uuid"]
    if "memory.total" in numbers:
        yield "memory_bytes", numbers["memory.total"] << 20
    if "compute_cap" in told:
        yield "compute_capability", told["compute_cap"]
    if "temperature.gpu" in numbers:
        yield "temperature_c", numbers["temperature.gpu"]
    for name, prefix in (("clocks_mhz", "clocks."), ("max_clocks_mhz", "clocks.max.")):
        fields = {"sm": prefix + "sm", "memory": prefix + "mem"}
        if clocks := {clock: numbers[field] for clock, field in fields.items() if field in numbers}:
            yield name, clocks
    if told.get("bits", "").startswith("0x"):
        yield "throttle_reasons", _reasons(int(told["bits"], 16))
