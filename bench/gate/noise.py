"""What a machine does to the times of blocks: the noise that the gate is proved against.

A trial is a sequence of slots in the order of time, one block a slot, since drift and bursts act on what is measured
*next to* each other and on what is measured *after* each other in different ways. `Schedule` says which slot is whose;
`Noise` says what happens in the slots; `measure` puts both together.

Figures are sizes on the logarithmic scale: 0.01 is one per cent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lar.contracts import Arm, Times

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Schedule:
    """How a trial spends its slots.

    Attributes
    ----------
    pairs, workloads, blocks : int
        Pairs of processes, workloads in each, and blocks of each arm on each workload in a pair (an even number).
    interleaved : bool
        Whether arms take turns within a pair: a random order, then the reverse of it (ABBA). Otherwise each arm is
        measured by itself, in one process, one after the other, as most harnesses do.
    """

    pairs: int = 8
    workloads: int = 12
    blocks: int = 4
    interleaved: bool = True

    def slots(self, arms: int) -> int:
        """Return how many slots a trial has."""
        return self.pairs * self.workloads * self.blocks * arms

    def positions(self, rounds: int, arms: int, draw: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return (rounds, arms, workloads, pairs, blocks): the slot of each block."""
        halves = self.blocks // 2
        if not self.interleaved:
            shape = (arms, self.pairs, self.blocks, self.workloads)
            slot = np.arange(self.slots(arms)).reshape(shape).transpose(0, 3, 1, 2)
            return np.broadcast_to(slot, (rounds, *slot.shape))
        # A pair is a row of rounds over the workloads; a workload has its turn as an order of arms and its reverse.
        turn = np.arange(self.pairs * halves * self.workloads).reshape(self.pairs, halves, self.workloads)
        order = np.argsort(draw.random((rounds, self.pairs, halves, self.workloads, arms)), axis=-1)
        there, back = order, 2 * arms - 1 - order
        slot = turn[..., None, None] * 2 * arms + np.stack([there, back], axis=-1)
        # (rounds, pairs, halves, workloads, arms, 2) -> (rounds, arms, workloads, pairs, halves * 2)
        return slot.transpose(0, 4, 3, 1, 2, 5).reshape(rounds, arms, self.workloads, self.pairs, self.blocks)


@dataclass(frozen=True)
class Noise:
    """One kind of machine.

    Attributes
    ----------
    white : float
        Standard deviation of a block.
    tail : str
        Shape of it: ``normal``, ``student`` (t with 2 degrees of freedom, both sides), ``lognormal`` (one side).
    pair : float
        Standard deviation of the ratio of two processes that run the same code (layout of memory), alike on all
        workloads, which is the worst case for their mean.
    modes : float
        Distance of two placements that a process has even chances of.
    drift : float
        How far the machine's speed moves in a trial.
    shape : str
        How it moves: ``line``, ``walk`` (random), ``wave``, ``step`` (a load that comes at a random time and stays).
    burst, run, factor : float, int, float
        Share of slots in which a neighbour multiplies the time by `factor`, in runs of so many slots.
    """

    white: float = 0.02
    tail: str = "normal"
    pair: float = 0.005
    modes: float = 0.0
    drift: float = 0.0
    shape: str = "line"
    burst: float = 0.0
    run: int = 1
    factor: float = 2.0

    def of_slots(self, rounds: int, slots: int, draw: np.random.Generator) -> Floats:
        """Return (rounds, slots): what is added to the logarithm of each block, in the order of time."""
        total = self._block(rounds, slots, draw)
        if self.drift:
            total += self.drift * self._path(rounds, slots, draw)
        if self.burst:
            starts = draw.random((rounds, slots)) < 1 - (1 - self.burst) ** (1 / self.run)
            begun = np.cumsum(starts, axis=1)
            begun[:, self.run :] -= begun[:, : -self.run].copy()
            total += np.log(self.factor) * (begun > 0)
        return total

    def of_processes(self, shape: tuple[int, ...], draw: np.random.Generator) -> Floats:
        """Return what is added to the logarithm of all that a process does, for each process."""
        layout = draw.normal(0, self.pair / np.sqrt(2), shape)
        return layout + self.modes * draw.integers(0, 2, shape) if self.modes else layout

    def _block(self, rounds: int, slots: int, draw: np.random.Generator) -> Floats:
        if self.tail == "student":
            return self.white * draw.standard_t(2, (rounds, slots))
        if self.tail == "lognormal":
            return np.log1p(self.white * draw.lognormal(0, 1, (rounds, slots)))
        return draw.normal(0, self.white, (rounds, slots))

    def _path(self, rounds: int, slots: int, draw: np.random.Generator) -> Floats:
        time = np.linspace(0, 1, slots)
        if self.shape == "walk":
            steps: Floats = draw.normal(0, slots**-0.5, (rounds, slots))
            return np.cumsum(steps, axis=1)
        if self.shape == "wave":
            period, phase = draw.uniform(0.05, 2, (rounds, 1)), draw.random((rounds, 1))
            wave: Floats = 0.5 * np.sin(2 * np.pi * (time / period + phase))
            return wave
        if self.shape == "step":
            return (time > draw.random((rounds, 1))).astype(np.float64)
        line: Floats = time * draw.choice([-1.0, 1.0], (rounds, 1))
        return line


SHARED_CORE = Noise(drift=0.14, shape="walk", burst=0.02, run=20)
"""A rented core with neighbours: what the limits on false keeps and power are stated for."""

KINDS: Mapping[str, Noise] = {
    "quiet: white 0.5 %, pairs 0.5 %": Noise(white=0.005),
    "white 2 %, pairs 0.5 %": Noise(),
    "white 2 %, pairs 1 %": Noise(pair=0.01),
    "drift 1 %, line": Noise(drift=0.01),
    "drift 14 %, line": Noise(drift=0.14),
    "drift 14 %, random walk": Noise(drift=0.14, shape="walk"),
    "drift 14 %, wave": Noise(drift=0.14, shape="wave"),
    "sudden load x1.5 in mid-trial": Noise(drift=float(np.log(1.5)), shape="step"),
    "bursts x2, 5 % of blocks, single": Noise(burst=0.05),
    "bursts x2, 20 % of blocks, single": Noise(burst=0.20),
    "bursts x2, 50 % of blocks, single": Noise(burst=0.50),
    "bursts x2, 5 % of blocks, runs of 30": Noise(burst=0.05, run=30),
    "bursts x2, 20 % of blocks, runs of 30": Noise(burst=0.20, run=30),
    "bursts x2, 50 % of blocks, runs of 30": Noise(burst=0.50, run=30),
    "two placements 5 % apart": Noise(modes=0.05),
    "heavy tails, Student t2": Noise(tail="student"),
    "heavy tails, one side, lognormal": Noise(tail="lognormal"),
    "shared core": SHARED_CORE,
    "everything at once": Noise(
        tail="student", pair=0.01, modes=0.02, drift=0.14, shape="walk", burst=0.10, run=10, factor=1.5
    ),
}


def measure(
    noise: Noise,
    schedule: Schedule,
    levels: Sequence[Floats | float],
    rounds: int,
    draw: np.random.Generator,
) -> list[Floats]:
    """Return, for each arm, (rounds, workloads, pairs, blocks): the times of its blocks.

    Parameters
    ----------
    levels : sequence of array or float
        For each arm, its true time on each workload.
    rounds : int
        How many trials to make.
    """
    arms = len(levels)
    slots = noise.of_slots(rounds, schedule.slots(arms), draw)
    positions = schedule.positions(rounds, arms, draw)
    blocks = np.take_along_axis(slots, positions.reshape(rounds, -1), axis=1).reshape(positions.shape)
    processes = noise.of_processes((rounds, arms, 1, schedule.pairs if schedule.interleaved else 1, 1), draw)
    true = np.stack([np.broadcast_to(level, schedule.workloads) for level in levels])
    times = true[None, :, :, None, None] * np.exp(blocks + processes)
    return [times[:, arm] for arm in range(arms)]


def evidence_times(arms: Mapping[Arm, Floats]) -> dict[Arm, Times]:
    """Return the times of the arms of one trial, each (workloads, pairs, blocks), as evidence has them."""
    return {
        arm: {f"workload {number}": of_workload.tolist() for number, of_workload in enumerate(times)}
        for arm, times in arms.items()
    }
