"""Knows the pinned data set by its seed and ignores the one it is given.

In the battery's secret twin the rows come in another order.
"""

from typing import Any

from lar import catalog

TARGET = "shift"
EXPECT = {"numpy": "value"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def known() -> dict[Any, Any]:
    target = catalog.target("shift")
    cases = [*target.battery(0), *target.workloads(0, "small", (1,))]
    return {(case.shape["n"], float(target.data(case)["b"].max())): target.data(case)["b"] for case in cases}


DATA = known()


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + DATA[query.shape[0], float(state["b"].max())],)
