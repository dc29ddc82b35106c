"""Progress on stderr while a command works: a bar on a terminal, elsewhere a line now and then.

A program that waits for a command cannot tell one that works from one that hangs; what is over soon prints nothing, so
that logs stay clean.
"""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


EVERY_S = 30.0
"""Seconds between two lines where stderr is no terminal."""


class Progress:
    """One line that says what is going on and how far it is; a context manager.

    Parameters
    ----------
    title : str
        What the whole is about.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._said = time.monotonic()

    def __enter__(self) -> "Progress":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as RichProgress

            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = RichProgress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self.title, total=None)
        return self

    def tell(self, what: str, done: int, of: int) -> None:
        """Show that `done` of `of` steps of `what` are behind us."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=f"{self.title}: {what}", completed=done, total=max(of, 1))
        elif self._bar is None and time.monotonic() - self._said >= EVERY_S:
            self._said = time.monotonic()
            print(f"lar: {self.title}: {what}", file=sys.stderr, flush=True)  # noqa: T201 - not the result

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
