"""The words of the commands that read the journal and prepare an agent."""

from pathlib import Path
from typing import Annotated

import typer

from lar.cli.app import AsJson, OneBackend, OneTarget, Store, Targets, app, finish, folders

Number = Annotated[int, typer.Argument(help="A trial by its number.", metavar="TRIAL")]
Out = Annotated[Path | None, typer.Option(help="Write the kernel's files into this folder.", metavar="DIR")]


@app.command()
def log(
    target: Annotated[str | None, typer.Argument(help="A target by name; all by default.", metavar="TARGET")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Only so many of the newest.")] = None,
    as_json: AsJson = False,
    as_tsv: Annotated[bool, typer.Option("--tsv", help="Print the rows of results.tsv.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Say whether the journal is as it was written.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the progress of one slot into this file (svg, png).", metavar="FILE")
    ] = None,
    store: Store = None,
) -> None:
    """List the trials, oldest first; draw them; or verify the journal."""
    from lar.commands import history

    form = "json" if as_json else "tsv" if as_tsv else "text"
    finish(history.log(store, target, last, form=form, verify=verify, plot=plot))


@app.command()
def show(trial: Number, out: Out = None, as_json: AsJson = False, store: Store = None) -> None:
    """Print one trial: its decision, what decided it, and what was seen of the candidate."""
    from lar.commands import history

    finish(history.show(store, trial, out, as_json=as_json))


@app.command()
def replay(trial: Number, as_json: AsJson = False, store: Store = None) -> None:
    """Decide a trial again from its stored samples: the same decision, or what has changed."""
    from lar.commands import history

    finish(history.replay(store, trial, as_json=as_json))


@app.command()
def champion(
    target: OneTarget,
    backend: Annotated[str | None, typer.Option(help="Of this backend alone.")] = None,
    out: Out = None,
    as_json: AsJson = False,
    store: Store = None,
    roots: Targets = None,
) -> None:
    """Print the champion of every slot of a target."""
    from lar.commands import history

    finish(history.champions(target, backend, store, folders(roots), out, as_json=as_json))


@app.command()
def lesson(
    target: OneTarget,
    text: Annotated[str, typer.Argument(help="What was learned, in a sentence or two.")],
    roots: Targets = None,
) -> None:
    """Keep a lesson for the next session: a line in the target's lessons.md, which stays on this machine."""
    from lar.commands import briefing

    finish(briefing.lesson(target, text, folders(roots)))


@app.command()
def brief(
    target: OneTarget,
    backend: OneBackend = "numpy",
    last: Annotated[int, typer.Option(min=1, help="How many trials to tell of.")] = 10,
    as_json: AsJson = False,
    store: Store = None,
    roots: Targets = None,
) -> None:
    """Print what an agent needs to begin: contract, task, priors, last trials, lessons, device, where the time goes."""
    from lar.commands import briefing

    finish(briefing.brief(target, backend, last, store, folders(roots), as_json=as_json))
