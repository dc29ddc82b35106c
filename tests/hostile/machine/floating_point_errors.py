"""Has NumPy raise at every rounding to zero and turn every warning into an error."""

import warnings
from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


np.seterr(all="raise")
warnings.simplefilter("error")
np.setbufsize(16)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
