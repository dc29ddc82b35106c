"""The application, the options that several commands share, and how every command ends."""

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
Store = Annotated[
    Path | None,
    typer.Option(
        "--store", envvar="LAR_STORE", help="The journal's file; by default in your data folder.", metavar="FILE"
    ),
]
OneTarget = Annotated[str, typer.Argument(help="A target by name.", metavar="TARGET")]
OneBackend = Annotated[str, typer.Option("--backend", help="A backend by name.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda:0, ...; the backend's preferred one by default.")]
Scale = Annotated[str, typer.Option(help="small, standard or large.")]
Queries = Annotated[str, typer.Option("--nq", help="Queries a call, comma-separated.")]
Threads = Annotated[int, typer.Option(help="Cores the kernel may use, held by affinity.")]
Seed = Annotated[int, typer.Option(help="Seed of the pinned inputs.")]


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


def folders(path: Path | None) -> list[Path]:
    """Return the user's folders of targets."""
    return [path] if path is not None else []


def finish(code: int) -> None:
    """End a command with a code."""
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
