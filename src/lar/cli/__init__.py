"""The words of the command line, turned into calls. No logic lives here.

Every import that costs time is made inside the command that needs it: `lar --help` must answer at once.
"""

from lar.cli import history, loop, making, measuring
from lar.cli.app import app, main

__all__ = ["app", "history", "loop", "main", "making", "measuring"]

_ORDER = (
    *("doctor", "targets", "backends", "bench"),
    *("brief", "trial", "log", "show", "replay", "champion", "null", "lesson", "reset"),
    *("new", "check", "capture"),
)
"""As a newcomer meets them: look round, measure, tune, write a target."""

app.registered_commands.sort(key=lambda one: _ORDER.index(str(one.name or getattr(one.callback, "__name__", ""))))
