"""What the processor is: read from where the system states it, left out where it does not.

A fact that a system does not give (a container without `/sys`, an ARM kernel without a model name) is absent from the
answer, never guessed, so that two results are only called comparable when the same things are known of both machines.
"""

import contextlib
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

_CPUINFO = Path("/proc/cpuinfo")
_CPU0 = Path("/sys/devices/system/cpu/cpu0")

FEATURES = (
    "sse4.2",
    "popcnt",
    "avx",
    "f16c",
    "fma",
    "bmi2",
    "avx2",
    "avxvnni",
    "avx512f",
    "avx512dq",
    "avx512bw",
    "avx512vl",
    "avx512vbmi",
    "avx512vbmi2",
    "avx512vnni",
    "avx512bitalg",
    "avx512vpopcntdq",
    "avx512bf16",
    "avx512fp16",
    "gfni",
    "amx-tile",
    "amx-int8",
    "neon",
    "dotprod",
    "i8mm",
    "sve",
    "sve2",
)
"""The features that a kernel may branch on, as LLVM spells them; others do not distinguish two machines here."""

_LINUX_SPELLING = {"asimd": "neon", "asimddp": "dotprod"}

# What /proc/cpuinfo calls a fact, on x86 and on ARM. ARM gives no model name: implementer and part are its model.
_FIELDS = {
    "model name": "model",
    "vendor_id": "vendor",
    "cpu family": "family",
    "model": "model_number",
    "stepping": "stepping",
    "CPU implementer": "implementer",
    "CPU part": "part",
    "CPU variant": "variant",
}


def describe() -> dict[str, Any]:
    """Describe the processor this process runs on.

    Returns
    -------
    dict
        ``architecture`` and, where known, ``model vendor family model_number stepping implementer part variant``
        (str), ``cores_physical cores_logical`` (int), ``caches`` (bytes by ``l1d l1i l2 l3``), ``features`` (the
        members of `FEATURES` it has), ``governor`` (str).
    """
    import psutil

    first = _first_processor()
    facts: dict[str, Any] = {"architecture": platform.machine()}
    facts |= {name: first[field] for field, name in _FIELDS.items() if field in first}
    if not first and (model := _model_without_proc()):
        facts["model"] = model
    counts = {"cores_physical": psutil.cpu_count(logical=False), "cores_logical": psutil.cpu_count(logical=True)}
    facts |= {name: count for name, count in counts.items() if count}
    facts["caches"] = caches()
    facts["features"] = _features(first)
    if governor := read_text(_CPU0 / "cpufreq" / "scaling_governor"):
        facts["governor"] = governor
    return facts


def caches() -> dict[str, int]:
    """Return the bytes of each cache that the first core reaches, by ``l1d l1i l2 l3``; empty where not told."""
    found: dict[str, int] = {}
    for index in sorted((_CPU0 / "cache").glob("index*")):
        level, kind, size = (read_text(index / name) for name in ("level", "type", "size"))
        if level and kind and size and size.endswith("K"):
            suffix = {"Data": "d", "Instruction": "i"}.get(kind, "")
            found[f"l{level}{suffix}"] = int(size[:-1]) * 1024
    return found


def affinity() -> list[int] | None:
    """Return the processors this process may run on; None where the system has no such notion."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def read_text(path: Path) -> str | None:
    """Return a small file of the kernel's without its line end; None if it is not there or not readable."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text().strip()
    return None


def _first_processor() -> dict[str, str]:
    """Read the first block of /proc/cpuinfo alone: on large machines the kernel takes long to write out all of it."""
    fields: dict[str, str] = {}
    with contextlib.suppress(OSError), _CPUINFO.open() as lines:
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                break
            fields[name.strip()] = value.strip()
    return fields


def _model_without_proc() -> str:
    if sys.platform == "darwin":
        # platform.processor() says "arm" of every Apple chip.
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, check=True, text=True, timeout=5).stdout.strip()
    return platform.processor()


def _features(first: dict[str, str]) -> list[str]:
    listed = first.get("flags") or first.get("Features")
    if listed is None:
        # No /proc: LLVM asks the processor itself, for the price of importing it.
        from llvmlite import binding

        listed = ""
        with contextlib.suppress(RuntimeError):  # nor can LLVM tell on every system
            listed = " ".join(name for name, has in binding.get_host_cpu_features().items() if has)
    has = {_plain(_LINUX_SPELLING.get(name, name)) for name in listed.split()}
    return [name for name in FEATURES if _plain(name) in has]


def _plain(feature: str) -> str:
    """Spell alike what LLVM (``sse4.2 avx512vbmi2``) and Linux (``sse4_2 avx512_vbmi2``) spell differently."""
    return "".join(filter(str.isalnum, feature)).lower()
