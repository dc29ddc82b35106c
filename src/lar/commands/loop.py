"""What `trial`, `null` and `reset` do: the commands that measure, decide, and change a slot."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lar import catalog, null, snapshots, trial
from lar.bench import Request
from lar.commands import results as table_of_trials
from lar.commands.common import checked, mount, remark, say
from lar.contracts import Decision, Exit, Trial
from lar.datasets import Datasets
from lar.errors import LarError
from lar.journal import Journal
from lar.null import Null
from lar.progress import Progress
from lar.report import tables, trials
from lar.slots import Slot, device_of, export, first_champion, restored
from lar.snapshots import Snapshot
from lar.trial import PLANS, Contest
from lar.worktree import WorkTree, committed


@dataclass(frozen=True)
class SlotWords:
    """The words that name a slot, and where the journal is."""

    target: str
    backend: str
    device: str | None
    store: Path | None
    roots: Sequence[Path]


@dataclass(frozen=True)
class TrialWords:
    """The words of `lar trial` beyond the slot's, as typed."""

    candidate: Path | None
    message: str
    mode: str
    scale: str
    nq: tuple[int, ...]
    threads: int
    seed: int
    time_budget: float
    wait: float
    again: int | None = None


def run_trial(slot: SlotWords, words: TrialWords, *, as_json: bool, commit: bool, revert: bool) -> Exit:
    """Run a trial, print and note it; leave git as the loop wants it."""
    mount(slot.roots)
    request = _request(slot, words)
    if words.mode not in PLANS:
        raise LarError(f"--mode {words.mode}: expect one of {', '.join(PLANS)}")
    home = catalog.folder(slot.target)
    tree = WorkTree(home, slot.backend) if commit or revert else None
    if tree:
        tree.refuse_if_dirty()
    message = " ".join(words.message.split())
    if words.again is not None:
        told = _put_back(slot, words, home)
        message = message or told
    contest = Contest(request, words.candidate, message, PLANS[words.mode], words.wait)
    with Journal.open(slot.store) as journal, Progress(f"trial of {slot.target} on {slot.backend}") as progress:
        found = trial.run(contest, journal, Datasets(catalog.target(slot.target)), progress.tell)
        row = journal.trial(found.number)
    complaint = table_of_trials.append(home, row, found)
    if complaint:
        remark(complaint)
    done = _git(tree, found, words, commit=commit, revert=revert) if tree else ""
    if as_json:
        say(trials.dumps(found, {"git": done} if done else None))
    else:
        say(trials.block(found))
        if found.judgement.workloads:
            say(f"\n{trials.workloads(found)}\n")
        elif found.outcome.workloads:
            say(f"\n{tables.workloads(found.outcome)}\n")
        if done:
            say(done)
    return found.judgement.decision.exit_code


def _put_back(slot: SlotWords, words: TrialWords, home: Path) -> str:
    """Put the kernel of an earlier trial where this one looks for its candidate; return that trial's hypothesis.

    Raises
    ------
    LarError
        If it was a trial of another kernel or left no files, or if something that no commit has would be overwritten.
    """
    if words.candidate is not None:
        raise LarError("--again and --candidate: expect one of them")
    with Journal.open(slot.store) as journal:
        row = journal.trial(words.again or 0)
        if (row.target, row.backend) != (slot.target, slot.backend):
            raise LarError(f"--again {row.id}: that trial was of {row.target} on {row.backend}")
        if "files" not in row.ending:
            raise LarError(f"--again {row.id}: that trial is {row.state} and left no files")
        facts = {"kernel": row.facts["kernel"], "kernel_hash": row.kernel_hash, **row.ending}
        snapshot = restored(journal, row.slot, facts)
    there = {path.name: path.read_bytes() for path in (home / "tuned").glob(f"{slot.backend}.*") if path.is_file()}
    if there not in ({}, dict(snapshot.files), committed(home / "tuned", slot.backend)):
        raise LarError(f"--again {row.id}: tuned/{slot.backend}.* has changes that no commit has. Move them away first")
    for name in there:
        (home / "tuned" / name).unlink()
    export(snapshot, home / "tuned")
    return row.hypothesis


def _git(tree: WorkTree, found: Trial, words: TrialWords, *, commit: bool, revert: bool) -> str:
    """Commit the trial, and put the kernel back where it was not kept; say what was done."""
    kept = found.judgement.decision is Decision.KEEP
    if kept and commit and words.candidate is not None:
        _take_over(tree, words.candidate)
    done = []
    if revert and not kept and words.candidate is None:
        done.append(tree.revert())
        if found.judgement.decision is Decision.INCONCLUSIVE:
            done.append(
                f"`lar trial {found.outcome.target} --backend {tree.backend} --again {found.number}` runs it once more"
            )
    if commit:
        done.append(f"committed as {tree.commit(table_of_trials.headline(found), kernel=kept)}")
    return "git: " + ", ".join(done) if done else ""


def _take_over(tree: WorkTree, candidate: Path) -> None:
    path = candidate / f"{tree.backend}.py" if candidate.is_dir() else candidate
    for part in catalog.kernel_files(path):
        shutil.copyfile(part, tree.home / "tuned" / f"{tree.backend}{part.suffix}")


def run_null(slot: SlotWords, words: TrialWords, rounds: int, *, as_json: bool) -> Exit:
    """Time the champion against itself, print what that says of the machine, and keep it."""
    mount(slot.roots)
    request, plan = _request(slot, words), PLANS[words.mode]
    with Journal.open(slot.store) as journal, Progress(f"null of {slot.target} on {slot.backend}") as progress:
        found = null.measure(request, journal, Datasets(catalog.target(slot.target)), plan, rounds, progress.tell)
    say(found.to_json() if as_json else _null(found))
    return Exit.INCONCLUSIVE if found.drifts else Exit.DONE


def _null(one: Null) -> str:
    lines = [
        ("slot", one.slot),
        ("champion", one.kernel),
        ("rounds", str(len(one.judgements))),
        ("false_keeps", f"{one.kept} of {len(one.judgements)} ({one.screened} before the confirmation)"),
        ("mean_ratio", trials.ratio(one.bias)),
        ("drifts", "yes: the gate decides nothing in this slot until a null does not" if one.drifts else "no"),
        ("smallest_gain_visible", trials.share(one.detectable)),
        ("total_seconds", f"{one.seconds:.1f}"),
    ]
    rows = [(str(i), j.decision.value, trials.ratio(j.ratio), j.reason) for i, j in enumerate(one.judgements, 1)]
    text = "\n".join(f"{name}: {value}" for name, value in lines)
    return f"{text}\n\n{tables.table(('round', 'decision', 'x itself', 'reason'), rows)}"


def reset(slot: SlotWords, to: str, *, keep_champion: bool, confirm: Callable[[str], bool] | None) -> Exit:
    """Begin a slot anew, or take the frozen files as they are now for the right ones; ask first, if there is whom."""
    mount(slot.roots)
    device = device_of(slot.backend, slot.device)
    if device is None:
        raise LarError(f"--backend {slot.backend}: not available here, and the slot is called after its device")
    with Journal.open(slot.store) as journal:
        place = Slot(journal, slot.target, slot.backend, device)
        what = "accept the frozen files as they are now" if keep_champion else f"take the {to} kernel as champion"
        if confirm is not None and not confirm(f"{place.name}: {what}?"):
            say("nothing was changed")
            return Exit.DONE
        if keep_champion:
            place.accept_frozen()
        else:
            place.reset(_chosen(slot, to, place))
    say(f"{place.name}: {what}: done")
    return Exit.DONE


def _chosen(slot: SlotWords, to: str, place: Slot) -> Snapshot:
    if to == "committed":
        return first_champion(slot.target, slot.backend)
    if to == "portable":
        return snapshots.portable(slot.target)
    if to.isdigit():
        row = place.journal.trial(int(to))
        if row.slot != place.name:
            raise LarError(f"--to {to}: that trial was of slot {row.slot}, not {place.name}")
        if "files" not in row.ending:
            raise LarError(f"--to {to}: that trial is {row.state} and left no files")
        facts = {"kernel": row.facts["kernel"], "kernel_hash": row.kernel_hash, **row.ending}
        return restored(place.journal, place.name, facts)
    raise LarError(f"--to {to}: expect 'committed', 'portable', or the number of a trial")


def _request(slot: SlotWords, words: TrialWords) -> Request:
    return checked(
        Request(
            target=slot.target,
            backend=slot.backend,
            requested_backend=slot.backend,
            device=slot.device,
            scale=words.scale,
            nq=words.nq,
            threads=words.threads,
            seed=words.seed,
            mode=words.mode,
            time_budget=words.time_budget,
        )
    )
