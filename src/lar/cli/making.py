"""The words of the commands that make targets and look at how well they are made."""

from typing import Annotated

import typer

from lar.cli.app import AsJson, OneTarget, Targets, app, finish


@app.command()
def new(
    target: Annotated[str, typer.Argument(help="Its name: small letters, digits and hyphens.", metavar="TARGET")],
    like: Annotated[str | None, typer.Option(help="An existing target to begin from.", metavar="TARGET")] = None,
    roots: Targets = None,
) -> None:
    """Make a new target that passes its conformance tests at once, in the checkout or in a folder of your own."""
    from lar.commands import making

    finish(making.new(target, like, roots))


@app.command()
def check(
    target: OneTarget,
    backend: Annotated[str, typer.Option(help="Names, comma-separated; 'all' for every one that works.")] = "all",
    as_json: AsJson = False,
    roots: Targets = None,
) -> None:
    """Say whether a target is well made: reference, battery, mutants, cost model, kernels on every backend."""
    from lar.commands import making

    finish(making.check(target, backend, roots, as_json=as_json))
