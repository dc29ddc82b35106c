"""Intervals that count whole processes as the sampling unit, and the few tests that a decision needs.

Two processes that run the very same code differ by about half a percent, since their memory is laid out differently;
samples within one process do not show it. So every interval here resamples processes first and samples within them
second, and a workload is resampled by itself: pooling workloads of different sizes would report their spread as noise.

Few processes (three to eight) make a percentile bootstrap too narrow: it resamples a spread that n values
underestimate, and knows no heavier tail than the normal one. Every interval is therefore the union of the bootstrap's
and of Student's t over the processes' own logarithmic figures, which has the right coverage for any number of them.

Everything fails closed: what is empty, not finite, not positive, unequal in count, or from a single process raises
`ValueError` and yields no figure.

Sources: Efron, Tibshirani: An Introduction to the Bootstrap, 1993, ch. 8 and 12; Abramowitz, Stegun: Handbook of
Mathematical Functions, 26.7.3-4 (Student's t); Holm: A simple sequentially rejective multiple test procedure, 1979;
Wilson: Probable inference, the law of succession, and statistical inference, 1927.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from lar.contracts import Interval

Floats = npt.NDArray[np.float64]
Processes = Sequence[npt.ArrayLike]
"""Samples of one workload: one array of positive figures for each process."""

_PADDING = np.iinfo(np.uint16).max


def median(values: npt.ArrayLike) -> float:
    """Return the median; raises `ValueError` if there are no values, or one is not finite."""
    return float(np.median(_finite(values, "values")))


def geometric_mean(values: npt.ArrayLike) -> float:
    """Return the geometric mean; raises `ValueError` if there are no values, or one is not positive and finite."""
    return float(np.exp(np.mean(np.log(_positive(values, "values")))))


def geomean_interval(
    samples: Mapping[str, Processes], level: float = 0.90, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Return the geometric mean over workloads of the median of each, with its interval.

    A resample draws processes with replacement, the same for all workloads, since what a process has it has in all of
    them; then, workload by workload, samples with replacement within each drawn process; and takes the median of each
    workload. The interval is the union of the resamples' percentiles and of Student's t over processes.

    Parameters
    ----------
    samples : mapping of str to sequence of array_like
        For each workload, for each process (the same ones in the same order), its samples: positive, any unit, any
        count of at least one.
    level : float
        Coverage of the interval.
    resamples, seed : int
        How many resamples to draw, and what seeds them.

    Raises
    ------
    ValueError
        If there is no workload, fewer than two processes, unequal numbers of them, or a sample that is not a positive
        finite number.
    """
    tables = {name: _table(processes, name) for name, processes in samples.items()}
    counts = {len(table) for table in tables.values()}
    if len(counts) != 1:
        raise ValueError(f"workloads have {sorted(counts) or 'no'} processes, expected one number for all of them")
    processes = _at_least_two(counts.pop())
    _level(level)
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}, expected 1 or more")

    estimate = float(np.mean([np.log(np.median(np.concatenate(table))) for table in tables.values()]))
    own = np.mean([[np.log(np.median(values)) for values in table] for table in tables.values()], axis=0)
    half = student_t_quantile((1 + level) / 2, processes - 1) * _standard_error(own)

    generator = np.random.default_rng(seed)
    chosen = generator.integers(0, processes, (resamples, processes))
    drawn = np.zeros(resamples)
    for table in tables.values():
        drawn += np.log(_resampled_medians(table, chosen, generator))
    low, high = np.quantile(drawn / len(tables), [(1 - level) / 2, (1 + level) / 2])
    return Interval(math.exp(estimate), math.exp(min(low, estimate - half)), math.exp(max(high, estimate + half)))


def median_interval(processes: Processes, level: float = 0.90, resamples: int = 2000, seed: int = 0) -> Interval:
    """Return the median of one workload with its interval; see `geomean_interval`."""
    return geomean_interval({"samples": processes}, level, resamples, seed)


def block_ratios(candidate: Mapping[str, Processes], champion: Mapping[str, Processes]) -> dict[str, list[Floats]]:
    """Return, for each workload and pair of processes, candidate over champion for each block of their turns.

    Parameters
    ----------
    candidate, champion : mapping of str to sequence of array_like
        For each workload, for each pair, the time of each block, in the order in which they were run.

    Raises
    ------
    ValueError
        If the two differ in workloads, pairs or blocks, or a time is not a positive finite number.
    """
    if list(candidate) != list(champion):
        raise ValueError(f"candidate has workloads {list(candidate)}, champion {list(champion)}")
    ratios = {}
    for name in candidate:
        ours, theirs = _table(candidate[name], name), _table(champion[name], name)
        if [len(blocks) for blocks in ours] != [len(blocks) for blocks in theirs]:
            raise ValueError(f"{name}: candidate and champion differ in the number of pairs or of blocks in a pair")
        ratios[name] = [a / b for a, b in zip(ours, theirs, strict=True)]
    return ratios


def excess_p_value(processes: Processes, bound: float) -> float:
    """Return the probability of medians at least this far above `bound`, were the true one at it.

    One-sided t-test of the processes' logarithmic medians; for a guard over many workloads correct it with `holm`.

    Raises
    ------
    ValueError
        As of `geomean_interval`, or if `bound` is not positive.
    """
    table = _table(processes, "samples")
    own = np.log([statistics.median(values.tolist()) for values in table]) - np.log(_positive([bound], "bound")[0])
    mean, error = float(np.mean(own)), _standard_error(own)
    if error == 0.0:
        return 0.0 if mean > 0.0 else 1.0
    return student_t_tail(mean / error, len(table) - 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for their number by Holm's step-down method, in the given order.

    Raises
    ------
    ValueError
        If one is not in [0, 1].
    """
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise ValueError(f"p-values are {list(p_values)}, expected numbers in [0, 1]")
    corrected = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = running
    return corrected


def t_lower_bound(values: npt.ArrayLike, level: float = 0.95) -> float:
    """Return the one-sided lower confidence bound of the mean of independent values, by Student's t.

    For recall the values are the means of whole data sets, one a seed: queries of one data set are not independent,
    and a binomial bound over all of them covers far less than it says.

    Raises
    ------
    ValueError
        If there are fewer than two values, or one is not finite.
    """
    array = _finite(values, "values")
    quantile = student_t_quantile(_level(level), _at_least_two(len(array)) - 1)
    return float(np.mean(array)) - quantile * _standard_error(array)


def wilson_interval(hits: int, trials: int, level: float = 0.90) -> Interval:
    """Return the share of hits in independent trials, with Wilson's score interval.

    Raises
    ------
    ValueError
        If there are no trials, or hits are not between 0 and their number.
    """
    if not 0 <= hits <= trials or trials < 1:
        raise ValueError(f"{hits} hits in {trials} trials")
    z = statistics.NormalDist().inv_cdf((1 + _level(level)) / 2)
    share = hits / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2)) / (1 + z * z / trials)
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def student_t_tail(t: float, degrees: int) -> float:
    """Return the probability that Student's t with whole `degrees` of freedom exceeds `t`."""
    return 0.5 - _central_half(math.atan(t / math.sqrt(degrees)), degrees)


@cache
def student_t_quantile(p: float, degrees: int) -> float:
    """Return the quantile of Student's t with whole `degrees` of freedom, to about 1e-12 of the angle atan(t)."""
    low, high = -math.pi / 2, math.pi / 2
    for _ in range(60):
        angle = (low + high) / 2
        low, high = (angle, high) if 0.5 + _central_half(angle, degrees) < p else (low, angle)
    return math.sqrt(degrees) * math.tan((low + high) / 2)


def _central_half(angle: float, degrees: int) -> float:
    """Return P(0 < T < t) for t = sqrt(degrees) tan(angle): the finite sums 26.7.3 (odd) and 26.7.4 (even)."""
    if degrees < 1:
        raise ValueError(f"{degrees} degrees of freedom, expected 1 or more")
    cosine, odd = math.cos(angle), degrees % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for i in range(1 + odd, degrees, 2):
        total += term
        term *= cosine * cosine * i / (i + 1)
    share = math.sin(angle) * total
    return (angle + share) / math.pi if odd else share / 2


def _resampled_medians(table: list[Floats], chosen: npt.NDArray[np.int64], generator: np.random.Generator) -> Floats:
    """Return float64 (R,): the median of samples drawn anew from the processes ``chosen`` (R, P)."""
    pooled = np.sort(np.concatenate(table))
    if len(pooled) >= _PADDING:
        raise ValueError(f"{len(pooled)} samples of one workload, expected fewer than {_PADDING}")
    lengths = np.array([len(values) for values in table])
    width = int(lengths.max())
    # Ranks stand for the samples: 16-bit integers sort several times faster than floats.
    ranks = np.zeros((len(table), width), np.uint16)
    for row, values in zip(ranks, table, strict=True):
        row[: len(values)] = np.searchsorted(pooled, values)
    size = lengths[chosen][:, :, None]
    even = lengths.min() == width
    position = generator.integers(0, width if even else size, (*chosen.shape, width))
    position += chosen[:, :, None] * width
    drawn = ranks.reshape(-1).take(position)
    if not even:
        drawn = np.where(np.arange(width) < size, drawn, _PADDING)
    drawn = drawn.reshape(len(chosen), -1)
    drawn.sort(axis=1)
    count = lengths[chosen].sum(axis=1, keepdims=True)
    middle = np.take_along_axis(drawn, np.concatenate([(count - 1) // 2, count // 2], axis=1), axis=1)
    medians: Floats = pooled[middle].mean(axis=1)
    return medians


def _standard_error(values: Floats) -> float:
    _at_least_two(len(values))
    return float(np.std(values, ddof=1)) / math.sqrt(len(values))


def _table(processes: Processes, name: str) -> list[Floats]:
    table = [np.asarray(values, np.float64) for values in processes]
    if table and all(values.ndim == 1 and values.size for values in table):
        pooled = np.concatenate(table)  # one look at all of them, and one at each only to say which is wrong
        if np.min(pooled) > 0.0 and np.max(pooled) < np.inf:
            return table
    return [_positive(values, f"{name}, process {i}") for i, values in enumerate(table)]


def _positive(values: npt.ArrayLike, name: str) -> Floats:
    array = _finite(values, name)
    if not np.all(array > 0.0):
        raise ValueError(f"{name}: {array.min()} is not positive")
    return array


def _finite(values: npt.ArrayLike, name: str) -> Floats:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name}: shape {array.shape}, expected one axis with at least one entry")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name}: {array[~np.isfinite(array)][0]} is not finite")
    return array


def _at_least_two(count: int) -> int:
    if count < 2:
        raise ValueError(f"{count} independent values, expected 2 or more: one does not show how far they differ")
    return count


def _level(level: float) -> float:
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}, expected a number between 0 and 1")
    return level
