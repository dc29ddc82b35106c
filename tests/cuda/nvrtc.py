"""Compiles CUDA sources for real GPUs without having one, and reports what each kernel takes.

NVRTC comes as a wheel (``nvidia-cuda-nvrtc``) and needs no driver. A source that compiles here for sm_80 and sm_90
loads on those GPUs; a kernel that spills registers, or keeps an array in local memory, is slow there before it ever
ran, and `ptxas` says so. Run as a script it prints the report of a file, one JSON object a kernel; several
files are joined in their order.
"""

import ctypes
import functools
import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_INSTALL = "pip install nvidia-cuda-nvrtc"


class CompileError(Exception):
    """NVRTC refused a source; the message is its log."""


@dataclass(frozen=True)
class Resources:
    """What one kernel takes, as `ptxas` reports it.

    Attributes
    ----------
    registers : int
        Registers a thread.
    stack_bytes : int
        Local memory a thread; not 0 where an array is indexed by what is not known at compile time.
    spill_bytes : int
        Bytes stored and loaded because registers ran out.
    shared_bytes : int
        Static shared memory a block.
    """

    registers: int
    stack_bytes: int
    spill_bytes: int
    shared_bytes: int


def unavailable() -> str | None:
    """Say why nothing can be compiled here, or None."""
    try:
        _library()
    except OSError as error:
        return str(error)
    return None


def resources(source: str, architecture: str, options: Sequence[str] = ()) -> dict[str, Resources]:
    """Compile a source and return what each of its ``extern "C"`` kernels takes.

    Parameters
    ----------
    source : str
        CUDA C++.
    architecture : str
        A real one, such as ``sm_90``.
    options : sequence of str
        Further options of NVRTC.

    Raises
    ------
    CompileError
        If NVRTC or `ptxas` refuses it.
    """
    library = _library()
    program = ctypes.c_void_p()
    _check(library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"source.cu", 0, None, None))
    try:
        arguments = [f"--gpu-architecture={architecture}", "--std=c++17", "--ptxas-options=-v", *options]
        encoded = (ctypes.c_char_p * len(arguments))(*(argument.encode() for argument in arguments))
        failed = library.nvrtcCompileProgram(program, len(arguments), encoded)
        size = ctypes.c_size_t()
        _check(library.nvrtcGetProgramLogSize(program, ctypes.byref(size)))
        log = ctypes.create_string_buffer(size.value)
        _check(library.nvrtcGetProgramLog(program, log))
        text = log.value.decode()
    finally:
        _check(library.nvrtcDestroyProgram(ctypes.byref(program)))
    if failed:
        raise CompileError(text)
    return dict(_report(text))


def _report(log: str) -> Iterator[tuple[str, Resources]]:
    for part in log.split("Compiling entry function '")[1:]:

        def number(pattern: str, text: str = part) -> int:
            found = re.search(pattern, text)
            return int(found[1]) if found else 0

        yield (
            part.partition("'")[0],
            Resources(
                registers=number(r"Used (\d+) registers"),
                stack_bytes=number(r"(\d+) bytes stack frame"),
                spill_bytes=number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads"),
                shared_bytes=number(r"(\d+) bytes smem"),
            ),
        )


@functools.cache
def _library() -> ctypes.CDLL:
    """Open NVRTC: from the wheel, else from where the system keeps it.

    Raises
    ------
    OSError
        If it is nowhere; the message says what to install.
    """
    for folder in _wheel_folders():
        for path in sorted(folder.glob("libnvrtc.so.*")):
            # NVRTC opens its builtins by name alone; what is open already is found.
            for builtins in folder.glob("libnvrtc-builtins.so.*"):
                ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)
            return ctypes.CDLL(str(path))
    for name in ("libnvrtc.so.13", "libnvrtc.so.12"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise OSError(f"NVRTC is not installed ({_INSTALL})")


def _wheel_folders() -> list[Path]:
    spec = importlib.util.find_spec("nvidia")
    roots = list(spec.submodule_search_locations or []) if spec else []
    return [folder for root in roots for folder in sorted(Path(root).glob("cu*/lib"))]


def _check(code: int) -> None:
    if code:
        raise RuntimeError(f"NVRTC returned error {code}")


def main(paths: Sequence[str]) -> int:
    """Print the report of the files' joined text for sm_80 and sm_90; return 0 if it compiles and nothing spills."""
    source = "".join(Path(path).read_text(encoding="utf-8") for path in paths)
    status = 0
    for architecture in ("sm_80", "sm_90"):
        found = resources(source, architecture)
        for name, taken in sorted(found.items()):
            sys.stdout.write(json.dumps({"architecture": architecture, "kernel": name, **asdict(taken)}) + "\n")
            status |= taken.spill_bytes > 0
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
