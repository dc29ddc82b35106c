"""Attempts on sealed inputs, from within the process that has them mapped."""

import ctypes
import os
from pathlib import Path
from typing import Any

from tests.attacks.attempts import LIBC, call, inside


def _pages(memory: Any) -> tuple[ctypes.c_void_p, ctypes.c_size_t]:
    return ctypes.c_void_p(memory.ctypes.data), ctypes.c_size_t(4096)


@inside
def make_inputs_writable(memory: Any) -> object:
    return call("mprotect", *_pages(memory), 3)


@inside
def cut_a_hole_into_inputs(memory: Any) -> object:
    return call("madvise", *_pages(memory), 9)


@inside
def move_inputs_to_grow(memory: Any) -> object:
    address, size = _pages(memory)
    LIBC.mremap.restype = ctypes.c_ssize_t
    moved = call("mremap", address, 0, size, 1)  # a second mapping of the same pages
    return call("mprotect", ctypes.c_void_p(moved), size, 3)


@inside
def set_the_flag_of_the_array(memory: Any) -> object:
    memory.flags.writeable = True
    return True


@inside
def open_inputs_by_their_mapping(memory: Any) -> object:
    start = f"{memory.ctypes.data:x}"
    line = next(one for one in Path("/proc/self/maps").read_text().splitlines() if one.startswith(start))
    return os.open(f"/proc/self/map_files/{line.split()[0]}", os.O_RDWR)


@inside
def open_inputs_by_a_descriptor(memory: Any) -> object:
    for link in Path("/proc/self/fd").iterdir():
        if "memfd" in os.readlink(link):  # noqa: PTH115 - the link's text is no path
            return os.open(link, os.O_RDWR)
    raise PermissionError("none is open")
