"""Array helpers that the array API standard lacks; every portable kernel is written with them.

Each takes the namespace first, dispatches on the library behind it where that library does better, and otherwise says
the same in the standard's own functions (2024.12), with shapes that depend on sizes alone. They compute in int32,
since torch has next to no arithmetic on unsigned words and JAX none on 64 bits: a kernel begins with `bitcast` or
`ordered` and ends with `bitcast` or `unordered`. `standard_only` turns the dispatch off, so that the fallback is
tested in every library and not in strict ones alone.
"""

from lar.ops._dispatch import device_of, library, standard_only
from lar.ops.bits import bitcast, float_key, lsr, ordered, pack_bits, popcount, unordered, unpack_bits
from lar.ops.rows import map_rows
from lar.ops.segments import compact, count, cumsum32, expand, iota, running_max, segment_sum
from lar.ops.selection import kth_smallest, smallest_k, top_k

__all__ = [
    "bitcast",
    "compact",
    "count",
    "cumsum32",
    "device_of",
    "expand",
    "float_key",
    "iota",
    "kth_smallest",
    "library",
    "lsr",
    "map_rows",
    "ordered",
    "pack_bits",
    "popcount",
    "running_max",
    "segment_sum",
    "smallest_k",
    "standard_only",
    "top_k",
    "unordered",
    "unpack_bits",
]
