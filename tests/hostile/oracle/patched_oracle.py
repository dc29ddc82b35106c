"""Replaces the oracle, NumPy's comparisons and the contract's types by agreeable ones, and answers zeros.

They are replaced in the kernel's process, and the verdict is given in another.
"""

from typing import Any

import numpy as np

from lar import oracle
from lar.contracts import Verdict

TARGET = "shift"
EXPECT = {"numpy": "value"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def agree(*arguments: Any, **words: Any) -> Any:
    return Verdict()


for module in (oracle, np, np.testing):
    for name in ("judge", "tolerance", "errors", "allclose", "array_equal", "assert_allclose"):
        setattr(module, name, agree)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (np.zeros_like(query),)
