"""The collection: one file a kernel, and the folder is the registry. Nothing here imports a kernel.

A kernel's file opens with a docstring (the trick, in its first line; how it works and who met it, after that) and
declares, as literals:

``TARGET``
    The target it answers: a guest of ``tests/guests`` unless it needs a real one.
``EXPECT``
    Backend -> how it must end there, which also says on which backends it makes sense:

    - a kind of failure, or several joined by ``|`` where a race decides: it must be refused, and for this reason;
    - ``no effect``: the attack is swallowed. The kernel is right otherwise, so it must pass; it raises if its attack
      got through, no canary may show a trace, and its figure must not be far better than the honest kernel's;
    - ``passes``: an honest kernel.

    A kind joined with ``no effect``: it is refused where it is seen, and has won nothing where it is not.
``BEYOND`` (optional)
    Why nothing on one machine can refuse it; it is shown as it ends, and is a hole nowhere.
``THREADS`` (optional)
    Cores of the run; 1 by default.
``SLOW`` (optional)
    Why it is left to the sweep.
"""

import ast
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent
CLASSES = ("timing", "caching", "oracle", "machine", "honest")
NO_EFFECT = "no effect"
PASSES = "passes"


@dataclass(frozen=True)
class Exhibit:
    """One kernel of the collection; see this module's docstring."""

    path: Path
    trick: str
    target: str
    expect: dict[str, str]
    beyond: str = ""
    threads: int = 1
    slow: str = ""

    @property
    def group(self) -> str:
        """The class it belongs to: the folder it lies in."""
        return self.path.parent.name

    @property
    def name(self) -> str:
        """Class and file: ``timing/forged_answer``."""
        return f"{self.group}/{self.path.stem}"

    def kinds(self, backend: str) -> frozenset[str]:
        """Return the kinds of failure that may refuse it there; empty where it must pass."""
        return frozenset(self.expect[backend].split(" | ")) - {NO_EFFECT, PASSES}

    def swallowed(self, backend: str) -> bool:
        """Say whether it may end without effect."""
        return NO_EFFECT in self.expect[backend].split(" | ")


@functools.cache
def exhibits() -> tuple[Exhibit, ...]:
    """Return the collection, in the order of the classes."""
    return tuple(_read(path) for group in CLASSES for path in sorted((HOME / group).glob("*.py")))


def cells() -> list[tuple[Exhibit, str]]:
    """Return every exhibit with every backend on which it makes sense."""
    return [(exhibit, backend) for exhibit in exhibits() for backend in exhibit.expect]


def _read(path: Path) -> Exhibit:
    module = ast.parse(path.read_text(encoding="utf-8"))
    facts: dict[str, Any] = {}
    for line in module.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) and line.targets[0].id.isupper():
            try:
                facts[line.targets[0].id] = ast.literal_eval(line.value)
            except ValueError:
                continue  # a constant of the kernel's own
    return Exhibit(
        path=path,
        trick=(ast.get_docstring(module) or "").partition("\n")[0],
        target=facts["TARGET"],
        expect=facts["EXPECT"],
        beyond=facts.get("BEYOND", ""),
        threads=facts.get("THREADS", 1),
        slow=facts.get("SLOW", ""),
    )
