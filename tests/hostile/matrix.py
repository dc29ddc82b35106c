"""The hostile matrix: every kernel of the collection in front of the whole harness, on every backend that makes sense.

``python -m tests.hostile.matrix [--backend NAME ...] [--only TEXT ...] [--quick]`` prints how each ended, as Markdown:
refused, for which reason and in which phase; without effect; passed. It ends with 1 if one did not end as it must.
"""

import argparse
import sys
from collections.abc import Sequence

from tests.hostile.collection import CLASSES, Exhibit, exhibits
from tests.hostile.court import BACKENDS, cannot_run, examine, guests

_TITLES = {
    "timing": "Timing: work off the clock, or a clock that lies",
    "caching": "Caching: answers known before they are asked for",
    "oracle": "Oracle: wrong answers that look right",
    "machine": "Machine: what the process may do to the rest of it",
    "honest": "Honest kernels, which must pass",
}


def cell(exhibit: Exhibit, backend: str) -> tuple[str, str | None]:
    """Examine an exhibit on a backend; return how it ended and the complaint if it is a hole."""
    finding = examine(exhibit, backend)
    complaint = finding.complaint(exhibit, backend)
    if complaint is None:
        return finding.told, None
    if exhibit.beyond:
        return f"{finding.told} (beyond reach)", None
    return f"**HOLE**: {finding.told}", complaint


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the matrix."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.matrix", description="Print the hostile matrix.")
    parser.add_argument("--backend", nargs="+", default=BACKENDS, help=f"backends; by default {' '.join(BACKENDS)}")
    parser.add_argument("--only", nargs="+", default=[""], help="only kernels whose name contains one of these")
    parser.add_argument("--quick", action="store_true", help="leave out what waits for a time limit")
    asked = parser.parse_args(arguments)
    write = sys.stdout.write
    reasons = {backend: reason for backend in asked.backend if (reason := cannot_run(backend))}
    for backend, reason in reasons.items():
        write(f"{backend} is left out: {reason}\n\n")
    backends = [backend for backend in asked.backend if backend not in reasons]
    chosen = [e for e in exhibits() if any(part in e.name for part in asked.only) and not (asked.quick and e.slow)]
    holes: list[str] = []
    done = 0
    with guests():
        for group in CLASSES:
            mine = [e for e in chosen if e.group == group and set(backends) & set(e.expect)]
            if not mine:
                continue
            write(f"### {_TITLES[group]}\n\n| kernel | trick | must end as | " + " | ".join(backends) + " |\n")
            write("|---|---|---|" + "---|" * len(backends) + "\n")
            for exhibit in mine:
                cells = []
                for backend in backends:
                    if backend not in exhibit.expect:
                        cells.append("")
                        continue
                    told, complaint = cell(exhibit, backend)
                    cells.append(told)
                    done += 1
                    holes += [f"{exhibit.name} on {backend}: {complaint}"] if complaint else []
                expected = " / ".join(dict.fromkeys(exhibit.expect[b] for b in backends if b in exhibit.expect))
                row = [exhibit.path.stem, exhibit.trick, expected.replace(" | ", " or "), *cells]
                write("| " + " | ".join(row) + " |\n")
                sys.stdout.flush()
            write("\n")
    write(f"{done} examinations, {len(holes)} not as they must be.\n")
    for hole in holes:
        write(f"- {hole}\n")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
