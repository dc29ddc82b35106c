"""Which files a worker is given: interpreter, libraries, kernel and targets; and whether a user can reach them.

What is private to the supervisor (journal, cached inputs) is left out also where it lies within a folder that is given:
that folder is then given child by child.
"""

import os
import stat
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import lar.backends
from lar._checkout import MARK

SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/opt/cuda", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives", "/etc/passwd", "/etc/nsswitch.conf"),
    *("/sys/devices/system", "/sys/kernel/mm", "/sys/fs/cgroup"),
)
PROCESS = (
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version", "/proc/filesystems"),
    *("/proc/sys/vm/overcommit_memory", "/proc/sys/vm/max_map_count", "/proc/sys/vm/mmap_min_addr"),
    *("/proc/sys/kernel/osrelease", "/proc/devices", "/proc/modules", "/proc/driver/nvidia"),
)
DEVICES = ("/dev/null", "/dev/urandom", "/dev/random")


def libraries() -> list[str]:
    """Return where the interpreter and all that it can import lie, and the libraries the user has pointed to."""
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, *search_path()]
    found += map(str, _hops(Path(sys.executable)))
    found += [*lar.backends.__path__, *([str(MARK)] if MARK.exists() else [])]  # beside `src` in a checkout
    for name in ("LD_LIBRARY_PATH", "CUDA_PATH", "CUDA_HOME"):
        found += [one for one in os.environ.get(name, "").split(os.pathsep) if one]
    return [str(Path(one).resolve()) for one in found]


def search_path() -> list[str]:
    """Return what can be imported from: as in this process, but never whatever the working folder happens to be."""
    return [str(Path(one).resolve()) for one in sys.path if one]


def _hops(program: Path) -> list[Path]:
    """Return the folders of a program and of every link on the way to it."""
    folders = [program.parent]
    for _ in range(8):
        if not program.is_symlink():
            break
        program = program.parent / program.readlink()
        folders.append(program.parent)
    return folders


def kernel_files(kernel: Path) -> list[str]:
    """Return a kernel's file and those beside it of the same stem (``cupy.py cupy.cu``): what its hash is made of."""
    return [str(one) for one in sorted(kernel.parent.iterdir()) if one.stem == kernel.stem and one.is_file()]


def accelerators() -> list[str]:
    """Return the nodes of the accelerators' drivers."""
    found = [*Path("/dev").glob("nvidia*"), *Path("/dev").glob("nvidia-caps/*"), Path("/dev/dxg"), Path("/dev/kfd")]
    return [str(one) for one in found if one.exists() and not one.is_dir()]


def without(paths: Iterable[str], private: Sequence[Path]) -> tuple[list[str], list[str]]:
    """Leave out what is private.

    Returns
    -------
    read, look : list of str
        What may be read with all beneath it, and the folders that had to be opened up: they may be listed.
    """
    hidden = [Path(os.path.abspath(one)) for one in private]  # noqa: PTH100 - a link to it hides as well as it does
    hidden += [one.resolve() for one in hidden]
    read: list[str] = []
    look: list[str] = []
    waiting = list(dict.fromkeys(paths))
    while waiting:
        path = waiting.pop(0)
        if any(one != Path(path) and one.is_relative_to(path) for one in hidden):
            look.append(path)
            waiting += [str(one) for one in sorted(Path(path).iterdir()) if one not in hidden]
        else:
            read.append(path)
    return read, look


def closed_to_others(paths: Iterable[str]) -> str | None:
    """Return the first of these that a user without rights of their own could not read; None if they can read all.

    The modules in a folder are looked at as well: whoever installs with a strict umask closes them and not the folder.
    A path that is missing counts as open.
    """
    for path in map(Path, paths):
        if not _open(path):
            return str(path)
        if path.is_dir():
            with os.scandir(path) as entries:
                for one in entries:
                    if not _open(one) and _is_module(Path(one.path)):
                        return one.path
    return None


def closed_above(paths: Iterable[str]) -> str | None:
    """Return the first folder above any of these that a user without rights of their own could not pass, if any."""
    for folder in dict.fromkeys(one for path in paths for one in Path(path).parents):
        if folder.exists() and not folder.stat().st_mode & stat.S_IXOTH:
            return str(folder)
    return None


def _is_module(path: Path) -> bool:
    return path.suffix in {".py", ".so"} or (path / "__init__.py").exists()


def _open(path: "Path | os.DirEntry[str]") -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return True
    needed = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
    return mode & needed == needed
