"""The words of the commands that measure and list."""

from pathlib import Path
from typing import Annotated

import typer

from lar.cli.app import AsJson, OneTarget, Targets, app, finish, folders


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
    workload: Annotated[
        list[Path] | None,
        typer.Option(help="A workload of `lar capture`, timed beside the others and reported apart.", metavar="FILE"),
    ] = None,
    roots: Targets = None,
) -> None:
    """Prove kernels right against the float64 reference, then time them."""
    from lar.commands import measuring

    words = measuring.BenchWords(
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
        recorded=tuple(workload or ()),
    )
    finish(measuring.bench(words, as_json=as_json, out=out, roots=folders(roots)))


@app.command()
def capture(
    target: OneTarget,
    files: Annotated[
        list[Path], typer.Argument(help="Your arrays: .npz, or .parquet with columns.", metavar="FILE...")
    ],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    name: Annotated[str, typer.Option(help="What the workload is called.")] = "mine",
    statics: Annotated[list[str] | None, typer.Option("--set", help="A keyword of the kernel.", metavar="k=10")] = None,
    roots: Targets = None,
) -> None:
    """Make a workload of your own arrays: the target's data by name, and `query` with one entry a call."""
    from lar.commands import measuring

    finish(measuring.capture(target, files, statics or (), name, out, folders(roots)))


@app.command(name="targets")
def list_targets(as_json: AsJson = False, roots: Targets = None) -> None:
    """List the targets with their kernels."""
    from lar.commands import measuring

    finish(measuring.targets(as_json=as_json, roots=folders(roots)))


@app.command(name="backends")
def list_backends(as_json: AsJson = False) -> None:
    """List the backends, and say which work here."""
    from lar.commands import measuring

    finish(measuring.backends(as_json=as_json))


@app.command()
def doctor(
    as_json: AsJson = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Measure the machine's limits again.")] = False,
) -> None:
    """Say what this machine is, what works on it, how fast it can be, and what would mend the rest."""
    from lar.commands import measuring

    finish(measuring.doctor(as_json=as_json, refresh=refresh))
