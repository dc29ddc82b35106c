"""The words of the command line, turned into calls. No logic lives here.

Every import that costs time is made inside the command that needs it: `lar --help` must answer at once.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lar.errors import LarError

app = typer.Typer(
    name="lar",
    help="The kernel workbench: prove a kernel right on every device, then know how fast it is.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Targets = Annotated[Path | None, typer.Option("--targets", help="A folder with targets of your own.", metavar="DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


def _version(asked: bool) -> None:
    if asked:
        from lar import __version__

        typer.echo(f"lar {__version__}")
        raise typer.Exit


@app.callback()
def _lar(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    del version


@app.command()
def bench(  # noqa: PLR0917 - one parameter a word of the command line; they are typed by name
    targets: Annotated[list[str], typer.Argument(help="Targets by name, or 'all'.", metavar="TARGET...")],
    backend: Annotated[
        str, typer.Option(help="Names, comma-separated; 'auto' for the best here, 'all' for every one that works.")
    ] = "all",
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda:0, ...; the backend's preferred one by default.")
    ] = None,
    kernel: Annotated[str, typer.Option(help="tuned, portable, or the path of a kernel file.")] = "tuned",
    scale: Annotated[str, typer.Option(help="small, standard or large.")] = "standard",
    nq: Annotated[str, typer.Option(help="Queries a call, comma-separated.")] = "1,32",
    threads: Annotated[int, typer.Option(help="Cores the kernel may use, held by affinity.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the pinned inputs.")] = 0,
    mode: Annotated[str, typer.Option(help="trial (about 30 s) or baseline (minutes, narrower).")] = "trial",
    time_budget: Annotated[float, typer.Option(help="Seconds for each kernel, all in all.")] = 600.0,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON document to this file as well.")] = None,
    fallback: Annotated[
        bool, typer.Option("--fallback", envvar="LAR_FALLBACK", help="Run on NumPy where the backend is not available.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A smoke: two processes, three rounds each.")] = False,
    roots: Targets = None,
) -> None:
    """Prove kernels right against the float64 reference, then time them."""
    from lar import commands

    words = commands.BenchWords(
        targets=tuple(targets),
        backend=backend,
        device=device,
        kernel=kernel,
        scale=scale,
        nq=nq,
        threads=threads,
        seed=seed,
        mode="quick" if quick else mode,
        time_budget=time_budget,
        fallback=fallback,
    )
    _finish(commands.bench(words, as_json=as_json, out=out, roots=_roots(roots)))


@app.command(name="targets")
def list_targets(as_json: AsJson = False, roots: Targets = None) -> None:
    """List the targets with their kernels."""
    from lar import commands

    _finish(commands.targets(as_json=as_json, roots=_roots(roots)))


@app.command(name="backends")
def list_backends(as_json: AsJson = False) -> None:
    """List the backends, and say which work here."""
    from lar import commands

    _finish(commands.backends(as_json=as_json))


@app.command()
def doctor(
    as_json: AsJson = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Measure the machine's limits again.")] = False,
) -> None:
    """Say what this machine is, what works on it, how fast it can be, and what would mend the rest."""
    from lar import commands

    _finish(commands.doctor(as_json=as_json, refresh=refresh))


def _roots(path: Path | None) -> list[Path]:
    return [path] if path is not None else []


def _finish(code: int) -> None:
    raise typer.Exit(int(code))


_USAGE_ERRORS: Any = typer.BadParameter.__bases__
"""The command line parser's own error; typer names only this child of it."""


def main() -> None:
    """Run the command line and end the process with an exit code of `lar.contracts.Exit`."""
    try:
        code = app(standalone_mode=False)
    except LarError as error:
        typer.echo(f"lar: {error}", err=True)
        code = error.exit_code
    except _USAGE_ERRORS as error:
        error.show()
        code = 64  # click's own 2 means a wrong kernel here
    except KeyboardInterrupt:
        typer.echo("lar: interrupted", err=True)
        code = 130
    sys.exit(code)
