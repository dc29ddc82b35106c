"""The rules that the gate replaced, from their description, to be compared with it and for nothing else.

Both measure the baseline first and the candidate afterwards, each in one process.
"""

import numpy as np
from bench.gate.noise import Floats


def intervals_apart(candidate: Floats, baseline: Floats, draw: np.random.Generator, resamples: int = 200) -> bool:
    """Return whether the ancestor keeps: 90 % intervals that do not overlap, the candidate's the lower one.

    Each is a bootstrap of the geometric mean over the samples of all workloads pooled, so that the difference between
    a small workload and a large one counts as noise.

    Parameters
    ----------
    candidate, baseline : array
        Times of blocks, in any shape.
    resamples : int
        Of the bootstrap; 200 move its ends by a twentieth of its width.
    """
    return bool(_interval(candidate, draw, resamples)[1] < _interval(baseline, draw, resamples)[0])


def lower_by_one_percent(candidate: Floats, baseline: Floats) -> bool:
    """Return whether a plain harness keeps: the geometric mean of the workloads' medians is lower by 1 %.

    Parameters
    ----------
    candidate, baseline : array (workloads, pairs, blocks)
        Times of blocks.
    """
    ours, theirs = (np.mean(np.log(np.median(arm, axis=(1, 2)))) for arm in (candidate, baseline))
    return bool(ours - theirs < np.log(0.99))


def _interval(times: Floats, draw: np.random.Generator, resamples: int) -> Floats:
    logs = np.log(times.reshape(-1))
    means = logs[draw.integers(0, len(logs), (resamples, len(logs)))].mean(axis=1)
    ends: Floats = np.quantile(means, [0.05, 0.95])
    return ends
