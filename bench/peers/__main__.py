"""All comparisons one after another, each in a process of its own, and one table of what was found.

``python -m bench.peers [TARGET ...] [--scale S] [--backend B ...] [--only PART] [--rounds N] [--out FOLDER]``

Progress goes to stderr, the table to stdout, and with ``--out`` also to FOLDER as peers.json and peers.md, after every
comparison anew. One whose library is not installed here is named and passed over. Ends with 1 if one failed, or if
there was nothing to show. More of a single target, and what else there is to see beside the peer:
``python -m bench.peers.pq_l2 --help``.
"""

import argparse
import importlib
import pkgutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.peers import _contest, _rows, _table
from bench.peers._alone import MISSING
from bench.peers._table import Result

from lar import catalog


def comparisons(package: str) -> dict[str, str]:
    """Return the comparisons of a package, whose modules they are: dotted names by target."""
    names = sorted(one.name for one in pkgutil.iter_modules(importlib.import_module(package).__path__))
    return {name.replace("_", "-"): f"{package}.{name}" for name in names if not name.startswith("_")}


def compare(target: str, module: str, options: Sequence[str]) -> Result:
    """Run one comparison in a process of its own and return what became of it."""
    with tempfile.TemporaryDirectory(prefix="lar-peers-") as folder:
        path = Path(folder) / "found.json"
        command = [sys.executable, "-m", "bench.peers._alone", module, str(path), *options]
        code = subprocess.run(command, check=False, stdout=sys.stderr).returncode
        found = _rows.load(path) if path.exists() else {}
    failed = (
        "" if code in {0, MISSING} else f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
    )
    return Result(
        target,
        found.get("rows", []),
        found.get("figures", []),
        found.get("about", {}).get("libraries", {}),
        found.get("missing", ""),
        failed,
    )


def main(arguments: Sequence[str] | None = None, package: str = "bench.peers") -> int:
    """Run the comparisons, print the table and write it."""
    known = comparisons(package)
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers", description="targets against what a user would pick instead"
    )
    parser.add_argument("target", nargs="*", metavar="TARGET", help=f"{', '.join(known)}; default: all")
    _contest.add_options(parser, rounds="as each comparison says")
    parser.add_argument("--out", type=Path, default=None, metavar="FOLDER", help="write peers.json and peers.md there")
    chosen = parser.parse_args(arguments)
    targets = [name.replace("_", "-") for name in chosen.target] or list(known)
    if unknown := [name for name in targets if name not in known]:
        parser.error(f"no comparison of {', '.join(unknown)}. Expect some of {', '.join(known)}.")
    for name in chosen.backend or ():
        if reason := catalog.backend(name).available():
            parser.error(f"--backend {name}: {reason}")
    options = ["--scale", chosen.scale]
    options += ["--backend", *chosen.backend] if chosen.backend else []
    options += ["--rounds", str(chosen.rounds)] if chosen.rounds else []
    options += [f"--only={part}" for part in chosen.only]
    results: list[Result] = []
    for i, name in enumerate(targets, 1):
        print(f"[{i}/{len(targets)}] {name}", file=sys.stderr, flush=True)
        one = compare(name, known[name], options)
        results.append(one)
        for line in _table.remarks([one]):
            print(f"  {line}", file=sys.stderr, flush=True)
        if chosen.out:
            _table.write(results, chosen.scale, chosen.out)
    print(_table.show(results, chosen.scale), flush=True)
    return 1 if any(one.failed for one in results) or not any(one.rows for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
