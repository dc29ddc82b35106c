"""Runs CUDA kernels on the CPU, one fiber a thread, to find what goes wrong between threads where there is no GPU.

The source is compiled as C++ against `device.h`, unchanged but for its declarations of shared memory. What this
proves, on the paths that a test takes: results in any order of threads and blocks, barriers that are there and reached
by all, arguments of the declared types; in a process started by `run_sanitized` also that every access lies within its
array ("memory") and that barriers, or fences and atomics, order any two accesses of which one writes ("races"). What it
cannot prove is speed.
"""

import atexit
import ctypes
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
ORDERS = {"ascending": 0, "descending": 1, "shuffled": 20250801}
_FLAGS = ("-O1", "-g1", "-std=gnu++17", "-w", "-fPIC", "-fno-strict-aliasing", f"-I{HERE}")
_SANITIZERS = {
    None: ((), ()),
    # flags of the runtime and of the kernels, whose own accesses alone are watched for races
    "memory": (
        ("-fsanitize=address",),
        ("-fsanitize=address,undefined", "-fno-sanitize=vptr", "-fno-sanitize-recover=undefined"),
    ),
    "races": (("-DSHIM_RACES",), ("-fsanitize=thread",)),
}
_PRELOADED = {"memory": "libasan.so", "races": "libtsan.so"}
_ELEMENT = r"([A-Za-z_][\w:<> ]*?)\s+(\w+)\s*"
_ALIGNED = r"(?:__align__\(\d+\)\s+)?"
_DYNAMIC = re.compile(rf"extern\s+__shared__\s+{_ALIGNED}{_ELEMENT}\[\s*\]\s*;")
_STATIC = re.compile(rf"__shared__\s+{_ALIGNED}{_ELEMENT}((?:\[[^\]]+\]\s*)*);")
_KERNEL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\s*\((?:[^()]|\([^()]*\))*\)\s*)?(\w+)\s*\(")


class KernelError(Exception):
    """A kernel did what no kernel may do, or was given arguments that it did not declare."""


@functools.cache
def unavailable(sanitizer: str | None = None) -> str | None:
    """Say why nothing can be run here, or not with this sanitizer; None if it can."""
    if shutil.which("g++") is None:
        return "g++ is not installed"
    if sanitizer is None:
        return None
    name = _PRELOADED[sanitizer]
    if not Path(_compile([f"-print-file-name={name}"]).strip()).is_absolute():
        return f"{name} is not installed"
    started = run_sanitized(sanitizer, "this")
    return f"{name} does not start here: {started.stderr.strip()}" if started.returncode else None


def build(source: str, sanitizer: str | None = None) -> Path:
    """Compile a source and return the library, which lasts as long as this process.

    Parameters
    ----------
    source : str
        CUDA C++; its kernels are ``extern "C"`` or of unique names.
    sanitizer : {None, "memory", "races"}
        What to watch for; the library can then only be opened in a process that `run_sanitized` started.

    Raises
    ------
    KernelError
        If g++ refuses the source; the message is its log.
    """
    names = sorted(set(_KERNEL.findall(_compile(["-E", "-P", "-x", "c++", "-"], source))))  # those of macros as well
    body = _DYNAMIC.sub(r"\1* \2 = static_cast<\1*>(shim::dynamic_shared());", source)
    body = _STATIC.sub(r"auto& \2 = static_shared_<\1\3, __COUNTER__>();", body)
    exports = "".join(f"SHIM_KERNEL({name})\n" for name in names)
    exports += f'extern "C" const char* kernels() {{ return "{" ".join(names)}"; }}\n'
    folder = Path(tempfile.mkdtemp(dir=_folder()))
    unit, library = folder / "kernels.cpp", folder / "kernels.so"
    unit.write_text(f'#include "device.h"\n#line 1 "kernels.cu"\n{body}\n{exports}', encoding="utf-8")
    _compile([*_FLAGS, *_SANITIZERS[sanitizer][1], "-shared", str(unit), _runtime(sanitizer), "-o", str(library)])
    return library


class Library:
    """The kernels of one source, compiled for the CPU by `build`.

    Parameters
    ----------
    path : Path
        What `build` returned.
    """

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))
        self.kernels: tuple[str, ...] = tuple(self._text("kernels").split())

    def _text(self, function: str) -> str:
        call = getattr(self._library, function)
        call.restype = ctypes.c_char_p
        text: bytes = call()
        return text.decode()

    def launch(
        self,
        kernel: str,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        arguments: Sequence[Any],
        *,
        shared_bytes: int = 0,
        order: str = "ascending",
        resident: int = 1,
    ) -> None:
        """Run one kernel to its end.

        Parameters
        ----------
        kernel : str
            Its name.
        grid, block : tuple of int
            One to three sizes each.
        arguments : sequence
            Contiguous arrays for pointers, NumPy scalars for values, of the kernel's own types.
        shared_bytes : int
            Dynamic shared memory a block.
        order : {"ascending", "descending", "shuffled"}
            In which order threads and blocks run.
        resident : int
            How many blocks run at once.

        Raises
        ------
        KernelError
            If the arguments are not what the kernel declares, or if it breaks a rule between threads.
        """
        _check(kernel, self._text(f"signature_{kernel}").split(), arguments)
        values = [
            ctypes.c_void_p(value.ctypes.data)
            if isinstance(value, np.ndarray)
            else ctypes.create_string_buffer(value.tobytes(), value.nbytes)
            for value in arguments
        ]
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        sizes = (ctypes.c_uint * 6)(*(*grid, 1, 1)[:3], *(*block, 1, 1)[:3])
        launch = getattr(self._library, f"launch_{kernel}")
        launch.restype = ctypes.c_char_p
        numbers = (ctypes.c_size_t(shared_bytes), ctypes.c_uint(ORDERS[order]), ctypes.c_uint(resident))
        error = launch(pointers, sizes, *numbers)
        if error is not None:
            raise KernelError(f"{kernel}: {error.decode()}")


def run_sanitized(sanitizer: str, module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m module`` where libraries of this sanitizer can be opened; it ends at the first finding."""
    # libstdc++ comes along, or its exceptions would end the process
    found = [_compile([f"-print-file-name={name}"]).strip() for name in (_PRELOADED[sanitizer], "libstdc++.so.6")]
    environment = os.environ | {
        "LD_PRELOAD": " ".join(found),
        "ASAN_OPTIONS": "detect_leaks=0:exitcode=1",
        "TSAN_OPTIONS": "halt_on_error=1:exitcode=1:report_signal_unsafe=0",
        "OPENBLAS_NUM_THREADS": "1",  # its threads are none of ours
    }
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=HERE.parents[1])


@functools.cache
def _folder() -> str:
    """Return a folder that lasts as long as the process: a sanitizer reads line numbers when it reports."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _runtime(sanitizer: str | None) -> str:
    """Compile `shim.cpp` and return the object file."""
    built = str(Path(tempfile.mkdtemp(dir=_folder()), "shim.o"))
    _compile([*_FLAGS, *_SANITIZERS[sanitizer][0], "-c", str(HERE / "shim.cpp"), "-o", built])
    return built


def _compile(arguments: list[str], text: str | None = None) -> str:
    done = subprocess.run(["g++", *arguments], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KernelError(done.stderr)
    return done.stdout


def _check(kernel: str, declared: list[str], arguments: Sequence[Any]) -> None:
    if len(declared) != len(arguments):
        raise KernelError(f"{kernel}: {len(arguments)} arguments, expected {len(declared)}")
    for i, (expected, value) in enumerate(zip(declared, arguments, strict=True)):
        pointer = isinstance(value, np.ndarray)
        if pointer and not value.flags.c_contiguous:
            raise KernelError(f"{kernel}: argument {i} is not contiguous")
        given, wanted = f"{value.dtype.kind}{value.dtype.itemsize}", expected.removeprefix("*")
        if pointer != expected.startswith("*") or (given != wanted and not (pointer and wanted.startswith("v"))):
            raise KernelError(f"{kernel}: argument {i} is {'*' * pointer}{given}, expected {expected}")
