"""The simulation that proves the gate simulates what it says, and the gate holds in a small one."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from bench.gate import ancestor
from bench.gate.experiments import EXPERIMENTS
from bench.gate.noise import KINDS, SHARED_CORE, Noise, Schedule, measure
from bench.gate.tables import document
from bench.gate.trials import Machine, tally, tally_sequential

SMALL = Schedule(pairs=3, workloads=4, blocks=4)


@pytest.mark.parametrize("arms", [2, 3])
def test_interleaved_arms_share_every_turn_there_and_back(arms: int) -> None:
    slots = SMALL.positions(5, arms, np.random.default_rng(1))
    assert slots.shape == (5, arms, 4, 3, 4)
    for of_round in slots:
        assert sorted(of_round.reshape(-1)) == list(range(SMALL.slots(arms)))
    turns = slots // (2 * arms)
    assert np.all(turns == turns[:, :1])
    there, back = (slots % (2 * arms))[..., 0::2], (slots % (2 * arms))[..., 1::2]
    assert np.all(there + back == 2 * arms - 1)
    assert set(there.reshape(-1)) == set(range(arms))


def test_a_sequential_schedule_measures_one_arm_after_the_other() -> None:
    slots = Schedule(3, 4, 4, interleaved=False).positions(1, 2, np.random.default_rng(1))[0]
    assert slots[0].max() < slots[1].min()
    assert sorted(slots.reshape(-1)) == list(range(96))


def test_noise_has_the_sizes_that_it_states() -> None:
    draw = np.random.default_rng(2)
    quiet = Noise(white=0.0, pair=0.0)
    assert np.all(quiet.of_slots(2, 50, draw) == 0)
    assert np.std(Noise(white=0.02).of_slots(50, 500, draw)) == pytest.approx(0.02, rel=0.05)
    for run in (1, 30):
        struck = Noise(white=0.0, burst=0.2, run=run, factor=2.0).of_slots(400, 600, draw)
        assert set(np.unique(struck)) == {0.0, np.log(2.0)}
        assert np.mean(struck[:, 100:] > 0) == pytest.approx(0.2, abs=0.02)
        changes = np.mean(np.diff(struck, axis=1) != 0)
        assert changes < 0.03 if run == 30 else changes > 0.2
    for shape, end in (("line", 0.14), ("step", 0.14)):
        path = np.abs(Noise(white=0.0, drift=0.14, shape=shape).of_slots(20, 100, draw))
        assert np.max(path, axis=1) == pytest.approx(end)
    walk = Noise(white=0.0, drift=0.14, shape="walk").of_slots(2000, 100, draw)
    assert np.std(walk[:, -1]) == pytest.approx(0.14, rel=0.1)
    wave = Noise(white=0.0, drift=0.14, shape="wave").of_slots(200, 100, draw)
    assert 0.06 < np.max(np.abs(wave)) <= 0.07
    pairs = Noise(pair=0.005).of_processes((4000, 2), draw)
    assert np.std(pairs[:, 0] - pairs[:, 1]) == pytest.approx(0.005, rel=0.05)
    assert set(np.unique(Noise(pair=0.0, modes=0.05).of_processes((50,), draw))) == {0.0, 0.05}


def test_measured_times_are_the_true_ones_without_noise() -> None:
    times = measure(Noise(white=0.0, pair=0.0), SMALL, [np.arange(1.0, 5.0), 2.0], 3, np.random.default_rng(3))
    assert times[0].shape == (3, 4, 3, 4)
    assert np.all(times[0][:, 2] == 3.0)
    assert np.all(times[1] == 2.0)


def test_the_pooled_intervals_overlap_at_a_gain_of_ten_percent_without_any_noise() -> None:
    machine = Machine(Noise(white=0.0, pair=0.0))
    assert not any(machine.sequential(0.9)["ancestor"] for _ in range(5))
    assert all(machine.sequential(0.6)["ancestor"] for _ in range(5))
    one = np.full((3, 2, 2), 1.0)
    assert not ancestor.lower_by_one_percent(one * 0.991, one)
    assert ancestor.lower_by_one_percent(one * 0.989, one)


def test_a_sequential_comparison_keeps_drift_and_the_gate_does_not() -> None:
    machine = Machine(KINDS["drift 14 %, line"])
    assert tally_sequential(machine, 1.0, 60)["sequential"]["percent"] > 20
    assert tally(partial(machine.trial, 1.0), 60)["screened"]["percent"] == 0


def test_the_gate_finds_a_gain_of_three_percent_on_a_shared_core() -> None:
    assert tally(partial(Machine(SHARED_CORE).trial, 0.97), 40)["kept"]["percent"] >= 90


def test_every_experiment_has_rows_a_table_and_a_picture(tmp_path: Path) -> None:
    results = {name: experiment(1) for name, experiment in EXPERIMENTS.items()}
    text = document(json.loads(json.dumps(results)))
    assert text.count("\n## ") == len(EXPERIMENTS) + 1
    for kind in KINDS:
        assert f"| {kind} |" in text
    pytest.importorskip("matplotlib", reason="the pictures need matplotlib (extra: plots)")
    from bench.gate import figures

    figures.save(figures.power(results["power"]), tmp_path, "power")
    figures.save(figures.false_keeps(results["false_keeps"]), tmp_path, "kept")
    assert {path.name for path in tmp_path.iterdir()} == {"power.svg", "power.png", "kept.svg", "kept.png"}
