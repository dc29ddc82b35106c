"""Medians and quantiles are replaced by a small number; they are taken in another process."""

import statistics
from typing import Any

import numpy as np

from lar import stats

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


for module in (statistics, np, stats):
    for name in ("median", "mean", "quantile", "geometric_mean", "geomean_interval", "median_interval"):
        setattr(module, name, lambda *_, **__: 1.0)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
