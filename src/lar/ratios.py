"""How much faster: two arms that took turns, compared block by block beside each other.

1. A ratio is taken between blocks that were run beside each other and never between figures of whole runs, so that
   whatever slows the machine down for both of them cancels.
2. The pair of processes is the sampling unit. A pair has one figure, and the interval is Student's t over pairs.
3. A workload's own level is taken out before blocks of different workloads meet, so that their difference in speed, or
   in how much a change helps them, is no noise.
4. The figure of a pair is the interquartile mean of all its blocks: a neighbour's burst falls on a block and not on its
   partner, and doubles or halves their ratio. Of two to four blocks a median of their own cannot take that out; of
   those on all workloads together the outer quarters can be spared. By simulation (`bench/gate`) the interval covers
   what it says under drift, bursts and heavy tails, where medians by workload lose half of their power or their cover.

Everything works on logarithms, so that exchanging the arms inverts every figure exactly.

Source: Tukey, McLaughlin: Less vulnerable confidence and significance procedures for location, 1963 (trimmed means).
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lar import stats
from lar.contracts import Interval, Times

Floats = npt.NDArray[np.float64]

_LARGEST = 700.0  # e to the power of more is beyond float64


@dataclass(frozen=True)
class Comparison:
    """Logarithms of the ratios of two arms: workload -> pair -> block.

    Attributes
    ----------
    logs : mapping of str to sequence of array
        All finite; every workload has the same number of pairs, at least two.
    """

    logs: Mapping[str, Sequence[Floats]]

    @staticmethod
    def of(candidate: Times, other: Times) -> "Comparison":
        """Return candidate over other.

        Raises
        ------
        ValueError
            If the two differ in workloads, pairs or blocks, a workload has another number of pairs than the rest, there
            are fewer than two, or a time is not a positive finite number.
        """
        if sorted(candidate) != sorted(other):
            raise ValueError(f"workloads are {sorted(candidate)} on one side, {sorted(other)} on the other")
        with np.errstate(over="ignore", under="ignore"):
            ratios = stats.block_ratios({name: candidate[name] for name in other}, other)
        counts = sorted({len(pairs) for pairs in ratios.values()})
        if len(counts) != 1 or counts[0] < 2:
            raise ValueError(
                f"workloads have {counts or 'no'} pairs, expected one number of at least 2 for all of them"
            )
        pooled = np.concatenate([blocks for pairs in ratios.values() for blocks in pairs])
        if not (np.min(pooled) > 0.0 and np.max(pooled) < np.inf):
            raise ValueError("a ratio of two blocks is beyond what a float64 holds")
        return Comparison({name: [np.log(blocks) for blocks in pairs] for name, pairs in ratios.items()})

    def joined(self, later: "Comparison") -> "Comparison":
        """Return the pairs of both as those of one; both have the same workloads."""
        return Comparison({name: [*pairs, *later.logs[name]] for name, pairs in self.logs.items()})

    @property
    def pairs(self) -> int:
        """How many pairs of processes there are."""
        return len(next(iter(self.logs.values())))

    @property
    def shape(self) -> dict[str, tuple[int, ...]]:
        """How many blocks each pair of each workload has."""
        return {name: tuple(map(len, pairs)) for name, pairs in self.logs.items()}

    @cached_property
    def residuals(self) -> list[Floats]:
        """For each pair, its blocks on all workloads, each less the median of its workload over all pairs."""
        levels = self._levels
        return [np.concatenate([self.logs[name][pair] - levels[name] for name in levels]) for pair in range(self.pairs)]

    @cached_property
    def _levels(self) -> dict[str, float]:
        return {name: float(np.median(np.concatenate(pairs))) for name, pairs in self.logs.items()}

    def overall(self, level: float = 0.90) -> Interval:
        """Return the geometric mean over workloads of the ratio, with its interval."""
        # An exact sum: adding up in another order must not move the last bit, which a decision may hang on.
        centre = math.fsum(self._levels.values()) / len(self._levels)
        return _t_interval([centre + interquartile_mean(blocks) for blocks in self.residuals], level)

    def each(self, level: float = 0.90) -> dict[str, Interval]:
        """Return the ratio of each workload by itself, from the medians of its pairs, with its interval."""
        return {name: _t_interval(medians, level) for name, medians in self._medians.items()}

    def p_slower(self, bound: float) -> dict[str, float]:
        """Return, for each workload, the p-value of its ratio against `bound`, by Holm's method over all of them."""
        p = [stats.excess_p_value(list(np.exp(medians)[:, None]), bound) for medians in self._medians.values()]
        return dict(zip(self.logs, stats.holm(p), strict=True))

    @cached_property
    def _medians(self) -> dict[str, Floats]:
        return {
            # A pair has a handful of blocks, of which `statistics` finds the middle ten times faster than NumPy.
            name: np.array([statistics.median(blocks.tolist()) for blocks in pairs])
            for name, pairs in self.logs.items()
        }


def interquartile_mean(values: Floats) -> float:
    """Return the mean of what remains when a quarter of the values, rounded down, is dropped on either side."""
    spared = len(values) // 4
    return float(np.mean(np.sort(values)[spared : len(values) - spared]))


def _t_interval(logs: npt.ArrayLike, level: float) -> Interval:
    """Return the geometric mean with Student's t interval of independent logarithmic figures."""
    values = np.asarray(logs, np.float64)
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    half = stats.student_t_quantile((1 + level) / 2, len(values) - 1) * error
    low, value, high = (math.exp(min(x, _LARGEST)) for x in (mean - half, mean, mean + half))
    return Interval(value, low, high)
