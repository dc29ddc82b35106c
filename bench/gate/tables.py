"""Results of the simulation as Markdown: what was to be met, then a table for each experiment."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Columns = Mapping[str, Callable[[Row], str]]

ABOUT = """Written by `python -m bench.gate.simulate`. Shares are per cent of trials; in brackets a 95 % interval of the
share (Wilson). *Screened*: kept by the first stage; *kept*: confirmed as well. *Ancestor* and *sequential* are rules
that the gate replaced: they measure the baseline first and the candidate afterwards, and keep where the 90 % intervals
of all samples pooled do not overlap, or where the geometric mean is lower by 1 %.
"""

LARGEST_FALSE_KEEP = 1.0
LEAST_POWER = {0.02: 80.0, 0.03: 95.0}
"""Per cent; the power on the shared core."""


def document(results: Mapping[str, Sequence[Row]]) -> str:
    """Return all results that are there as one Markdown document.

    Parameters
    ----------
    results : mapping of str to rows
        As `simulate` writes them.
    """
    parts = ["# The keep gate, by simulation\n", ABOUT]
    if "false_keeps" in results and "power" in results:
        parts += ["## What was to be met\n", _markdown(goals(results), GOAL)]
    for name, (title, columns) in TABLES.items():
        if name in results:
            rows = results[name]
            counts = sorted({row["rounds"] for row in rows})
            parts += [f"## {title}\n", f"{' or '.join(map(str, counts))} trials a row.\n", _markdown(rows, columns)]
    return "\n".join(parts)


def goals(results: Mapping[str, Sequence[Row]]) -> list[dict[str, str]]:
    """Return what was to be met, what was found, and whether that meets it."""
    worst = max(results["false_keeps"], key=lambda row: (row["kept"]["percent"], row["kept"]["high"]))
    found = [
        {
            "goal": f"false keeps, confirmed, at most {LARGEST_FALSE_KEEP:.0f} % under any noise",
            "found": f"{_share(worst['kept'])} ({worst['noise']})",
            "met": _met(worst["kept"]["high"] <= LARGEST_FALSE_KEEP),
        }
    ]
    for row in results["power"]:
        if row["noise"] == "shared core" and row["gain"] in LEAST_POWER:
            least = LEAST_POWER[row["gain"]]
            goal = f"a true gain of {row['gain']:.0%} found, shared core, in at least {least:.0f} % of trials"
            found.append({"goal": goal, "found": _share(row["kept"]), "met": _met(row["kept"]["low"] >= least)})
    return found


def _met(holds: bool) -> str:
    return "yes" if holds else "no"


def _share(share: Mapping[str, float] | None) -> str:
    if share is None:
        return "-"
    return f"{share['percent']:.1f} [{share['low']:.1f}, {share['high']:.1f}]"


def _of(key: str) -> Callable[[Row], str]:
    return lambda row: _share(row[key])


def _plain(key: str) -> Callable[[Row], str]:
    return lambda row: str(row[key])


def _percent(key: str) -> Callable[[Row], str]:
    return lambda row: f"{100 * row[key]:.3g} %"


def _ends(row: Row) -> str:
    return "; ".join(f"{end} {share:.1f}" for end, share in row["ends"].items() if share >= 0.5)


def _rule(name: str) -> Callable[[Row], str]:
    return lambda row: _share(row["kept"][name])


def _markdown(rows: Sequence[Row], columns: Columns) -> str:
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*head, *(f"| {' | '.join(cell(row) for cell in columns.values())} |" for row in rows)]) + "\n"


GOAL: Columns = {"goal": _plain("goal"), "found": _plain("found"), "met": _plain("met")}
_ENDS: Columns = {"screened": _of("screened"), "kept": _of("kept")}
_REPLACED: Columns = {"ancestor": _of("ancestor"), "sequential": _of("sequential")}

TABLES: Mapping[str, tuple[str, Columns]] = {
    "false_keeps": (
        "False keeps: the candidate is the champion's own code",
        {"noise": _plain("noise"), **_ENDS, "inconclusive": _of("inconclusive"), **_REPLACED},
    ),
    "power": (
        "Power: one trial of a true gain",
        {"noise": _plain("noise"), "gain": _percent("gain"), **_ENDS, **_REPLACED},
    ),
    "confirmation": (
        "What a confirmation might have to show: kept in the end",
        {
            "noise": _plain("noise"),
            "gain": _percent("gain"),
            "no confirmation": _rule("none: the screening decides"),
            "together below 1 - epsilon": _rule("both together below 1 - epsilon"),
            "alone, its estimate": _rule("alone: its estimate below 1 - epsilon"),
            "alone, its interval": _rule("alone: its interval below 1 - epsilon"),
            "rule 6": _rule("alone: below 1; together: below 1 - epsilon (rule 6)"),
        },
    ),
    "guard": (
        "Guard: 5 % faster over all, one workload slower than the champion, or than the baseline",
        {"noise": _plain("noise"), "against": _plain("against"), "loss": _percent("loss"), **_ENDS, "ends": _ends},
    ),
    "simplification": (
        "Simplification: fewer lines, truly slower",
        {"noise": _plain("noise"), "loss": _percent("loss"), **_ENDS, "inconclusive": _of("inconclusive")},
    ),
    "clocks": ("Two clocks, shared core", {"case": _plain("case"), **_ENDS, "ends": _ends}),
    "schedules": (
        "Fewer pairs, workloads or blocks, shared core",
        {
            "pairs": _plain("pairs"),
            "workloads": _plain("workloads"),
            "blocks": _plain("blocks"),
            "gain": _percent("gain"),
            **_ENDS,
            "inconclusive": _of("inconclusive"),
        },
    ),
    "early_end": (
        "Early end, shared core",
        {
            "gain": _percent("gain"),
            "ended early": _of("ended"),
            "mean pairs of 8": lambda row: f"{row['pairs']:.1f}",
            "would have been screened": _of("lost"),
            "of those ended, REVERT": _of("said revert"),
        },
    ),
    "uneven_load": (
        "A load in mid-trial that slows the champion down more than the candidate, which is no faster without it",
        {
            "champion": lambda row: f"x{row['champion']}",
            "candidate": lambda row: f"x{row['candidate']}",
            "through the confirmation": lambda row: _met(row["stays"]),
            **_ENDS,
            "ends": _ends,
        },
    ),
}
