"""Outcomes as one JSON document, `lar.bench/1`; `bench.schema.json` beside this file describes it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from lar.contracts import Outcome, WorkloadResult

SCHEMA = "lar.bench/1"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    text = (files("lar.report") / "bench.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def document(outcomes: Sequence[Outcome], environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document: what machine it was, and every outcome with its samples' figures."""
    return {"schema": SCHEMA, "environment": dict(environment), "outcomes": [_outcome(one) for one in outcomes]}


def dumps(value: Any) -> str:
    """Write JSON as this package does everywhere: indented, and never with NaN or infinity, which are not JSON."""
    return json.dumps(value, indent=1, allow_nan=False, default=str)


def _outcome(one: Outcome) -> dict[str, Any]:
    value = asdict(one)
    value["correctness"] = one.correctness
    value["worst"] = _extreme(one.worst)
    value["best"] = _extreme(one.best)
    cleaned: dict[str, Any] = finite(value)
    return cleaned


def finite(value: Any) -> Any:
    """Return the value with NaN and infinity as null: JSON has neither, and the failure's message names them."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _extreme(one: WorkloadResult | None) -> dict[str, Any] | None:
    return None if one is None else {"workload": one.name, "ns": one.ns}
