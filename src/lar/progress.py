"""Progress on stderr while a command works; silent where stderr is no terminal, so that logs stay clean."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
