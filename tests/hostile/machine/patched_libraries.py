"""Breaks what the worker calls in other libraries: JSON, copying, clocks, descriptors, the collector."""

import gc
import json
import os
import time
from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("got through: the worker calls what a kernel has patched")


for module, names in (
    (json, ("loads", "dumps")),
    (np, ("array", "copyto", "asarray", "frombuffer", "may_share_memory", "array_equal", "prod", "dtype")),
    (time, ("perf_counter_ns", "monotonic", "sleep")),
    (gc, ("disable", "enable", "collect")),
    (os, ("close", "urandom")),
):
    for name in names:
        setattr(module, name, broken)


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
