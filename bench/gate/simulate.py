"""Prove the keep gate by simulation: ``python -m bench.gate.simulate --out DIR``.

Writes ``results.json`` and ``results.md``. The rows of an experiment are written when it ends, and one that is there
with as many rounds is not run again, so an interrupted run goes on where it stood; ``--fresh`` begins anew.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from bench.gate.experiments import EXPERIMENTS
from bench.gate.tables import document

# Rounds a row at --scale 1, about ten minutes on one core. Power: half as many where it is not the shared core.
ROUNDS = {
    "false_keeps": 2000,
    "power": 500,
    "guard": 100,
    "simplification": 250,
    "confirmation": 800,
    "clocks": 200,
    "schedules": 200,
    "early_end": 200,
    "uneven_load": 200,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for results.json and results.md")
    parser.add_argument("--scale", type=float, default=1.0, help="rounds, as a multiple of those stated in the results")
    parser.add_argument("--only", nargs="*", choices=list(EXPERIMENTS), default=list(EXPERIMENTS))
    parser.add_argument("--fresh", action="store_true", help="run again what is there already")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "results.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for name in arguments.only:
        rounds = max(20, round(ROUNDS[name] * arguments.scale))
        if not arguments.fresh and name in results and results[name][0]["rounds"] == rounds:
            continue
        began = time.process_time()
        results[name] = EXPERIMENTS[name](rounds)
        print(f"{name}: {rounds} rounds a row, {time.process_time() - began:.0f} s of CPU time", flush=True)
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (arguments.out / "results.md").write_text(document(results), encoding="utf-8")


if __name__ == "__main__":
    main()
