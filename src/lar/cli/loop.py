"""The words of the commands that measure, decide, and change a slot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lar.cli.app import (
    AsJson,
    Device,
    OneBackend,
    OneTarget,
    Queries,
    Scale,
    Seed,
    Store,
    Targets,
    Threads,
    app,
    finish,
    folders,
)

if TYPE_CHECKING:
    from lar.commands.loop import SlotWords

Budget = Annotated[float, typer.Option(help="Seconds for the whole of it.")]
Mode = Annotated[str, typer.Option(help="trial (8 pairs of processes) or baseline (16, with more blocks).")]


def _slot(target: str, backend: str, device: str | None, store: Path | None, roots: Path | None) -> "SlotWords":
    from lar.commands.loop import SlotWords

    return SlotWords(target, backend, device, store, folders(roots))


@app.command()
def trial(  # noqa: PLR0917 - one parameter a word of the command line; they are typed by name
    target: OneTarget,
    backend: OneBackend = "numpy",
    candidate: Annotated[
        Path | None,
        typer.Option(
            help="A kernel file, or a folder with <backend>.py; by default tuned/<backend>.py.", metavar="PATH"
        ),
    ] = None,
    message: Annotated[str, typer.Option("--message", "-m", help="What you expect of the change, in one line.")] = "",
    again: Annotated[
        int | None, typer.Option(help="Run the kernel of an earlier trial once more.", metavar="TRIAL")
    ] = None,
    mode: Mode = "trial",
    commit: Annotated[
        bool, typer.Option("--commit", help="Commit the trial: its row, and the kernel if kept.")
    ] = False,
    revert: Annotated[bool, typer.Option("--revert", help="Put tuned/<backend>.* back if it was not kept.")] = False,
    device: Device = None,
    scale: Scale = "standard",
    nq: Queries = "1,32",
    threads: Threads = 1,
    seed: Seed = 0,
    time_budget: Budget = 600.0,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another trial of this slot.")] = 0.0,
    as_json: AsJson = False,
    store: Store = None,
    roots: Targets = None,
) -> None:
    """Hold a candidate against its slot's champion: check, time side by side, decide, journal."""
    from lar.commands import loop
    from lar.commands.common import queries_a_call

    words = loop.TrialWords(
        candidate=candidate,
        message=message,
        mode=mode,
        scale=scale,
        nq=queries_a_call(nq),
        threads=threads,
        seed=seed,
        time_budget=time_budget,
        wait=wait,
        again=again,
    )
    slot = _slot(target, backend, device, store, roots)
    finish(loop.run_trial(slot, words, as_json=as_json, commit=commit, revert=revert))


@app.command()
def null(  # noqa: PLR0917 - one parameter a word of the command line; they are typed by name
    target: OneTarget,
    backend: OneBackend = "numpy",
    rounds: Annotated[int, typer.Option(min=1, help="Trials of the champion against itself.")] = 5,
    mode: Mode = "trial",
    device: Device = None,
    scale: Scale = "standard",
    nq: Queries = "1,32",
    threads: Threads = 1,
    seed: Seed = 0,
    time_budget: Budget = 600.0,
    as_json: AsJson = False,
    store: Store = None,
    roots: Targets = None,
) -> None:
    """Hold the champion against itself: how often no change would be kept, and the smallest gain visible."""
    from lar.commands import loop
    from lar.commands.common import queries_a_call

    words = loop.TrialWords(
        candidate=None,
        message="",
        mode=mode,
        scale=scale,
        nq=queries_a_call(nq),
        threads=threads,
        seed=seed,
        time_budget=time_budget,
        wait=0.0,
    )
    finish(loop.run_null(_slot(target, backend, device, store, roots), words, rounds, as_json=as_json))


@app.command()
def reset(
    target: OneTarget,
    backend: OneBackend = "numpy",
    to: Annotated[
        str, typer.Option(help="The first champion: committed, portable, or the number of a trial.")
    ] = "committed",
    keep_champion: Annotated[
        bool, typer.Option("--keep-champion", help="Only accept the frozen files as they are now.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    device: Device = None,
    store: Store = None,
    roots: Targets = None,
) -> None:
    """Begin a slot anew, or accept frozen files that were changed on purpose; asks first. Nothing is forgotten."""
    from lar.commands import loop

    slot = _slot(target, backend, device, store, roots)
    finish(loop.reset(slot, to, keep_champion=keep_champion, confirm=None if yes else typer.confirm))
