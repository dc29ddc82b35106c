"""A session of the loop, recorded: pq-l2 on NumPy, from the portable kernel on, one trial after the other.

`python -m bench.session.record --out docs/sessions/pq-l2-numpy` runs every step through the command line as an agent
would, with a journal and a copy of the target of its own, and writes what was printed, the table of trials and the
picture of progress. One step is tried while other programs keep all cores busy.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Attempt:
    """One step: the candidate's file, what is expected of it, and whether the machine is kept busy meanwhile."""

    kernel: Path
    hypothesis: str
    disturbed: bool = False


ATTEMPTS = (
    Attempt(HERE / "step_1.py", "numba: one pass over rows, no temporaries"),
    Attempt(HERE / "step_2.py", "half-precision tables: fewer bytes to look up in"),
    Attempt(HERE / "step_3.py", "four accumulators hide the latency of additions"),
    Attempt(HERE / "step_4.py", "float64 sums"),
    Attempt(HERE / "step_5.py", "all compiled, k best kept in order", disturbed=True),
    Attempt(HERE / "step_5.py", "the same again, on a quiet machine"),
    Attempt(HERE / "step_6.py", "table in a function of its own"),
    Attempt(ROOT / "targets" / "pq_l2" / "tuned" / "numpy.py", "bytes bound distances, 64 rows an instruction"),
)


def main() -> None:
    """Run the session."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lar-session-") as folder:
        targets = Path(folder) / "targets"
        shutil.copytree(ROOT / "targets" / "pq_l2", targets / "pq_l2", ignore=shutil.ignore_patterns("*.tsv", "__pyc*"))
        session = Session(Path(folder) / "journal.sqlite3", targets)
        session.lar("reset", "pq-l2", "--backend", "numpy", "--to", "portable", "--yes")
        for attempt in ATTEMPTS:
            words = ["trial", "pq-l2", "--backend", "numpy", "--candidate", str(attempt.kernel.relative_to(ROOT))]
            session.lar(*words, "-m", attempt.hypothesis, disturbed=attempt.disturbed)
        session.lar("log", "pq-l2")
        session.lar("log", "--verify")
        session.lar("log", "pq-l2", "--plot", str(out / "progress.svg"), shown=False)
        shutil.copyfile(targets / "pq_l2" / "results.tsv", out / "results.tsv")
        (out / "session.txt").write_text("\n".join(session.said), encoding="utf-8")


class Session:
    """The command line with one journal, and all that it printed."""

    def __init__(self, store: Path, targets: Path) -> None:
        self.targets = targets
        self.said: list[str] = []
        self.environment = {**os.environ, "LAR_STORE": str(store), "PYTHONPATH": str(ROOT / "src")}

    def lar(self, *words: str, disturbed: bool = False, shown: bool = True) -> None:
        """Run one command, and keep what it printed unless it is not to be shown."""
        places = ["--targets", str(self.targets)] if words[0] in {"trial", "reset"} else []
        with ExitStack() as stack:
            if disturbed:
                _spin(stack, 2 * (os.cpu_count() or 1))
            command = [sys.executable, "-m", "lar", *words, *places]
            done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        text = f"$ lar {_typed(words)}\n{done.stdout}{done.stderr}exit code {done.returncode}\n"
        print(text, flush=True)
        if shown:
            self.said.append(f"(other programs keep all cores busy)\n{text}" if disturbed else text)


def _typed(words: Sequence[str]) -> str:
    return " ".join(f'"{word}"' if " " in word else word for word in words)


def _spin(stack: ExitStack, count: int) -> None:
    """Keep cores busy until the stack is closed."""
    for _ in range(count):
        process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        stack.callback(process.wait)
        stack.callback(process.kill)


if __name__ == "__main__":
    main()
