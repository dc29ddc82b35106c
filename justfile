# The recipes are the commands of the README and of CI.

# list the recipes
default:
    @just --list

# set up a virtual environment with everything the tests need
setup:
    python3 -m venv .venv
    .venv/bin/pip install -q -c constraints.txt -e '.[jax,test]'

# lint, types
lint:
    ruff check .
    ruff format --check .
    mypy

# what CI runs
test:
    python -m pytest -q -n 2 --dist loadgroup -m "not slow"

# the sweeps that CI leaves out
test-slow:
    python -m pytest -q -m slow

# targets against the libraries a user would pick instead, one table: just peers [pq-l2 ...] [--scale large] [--out FOLDER]
peers *words:
    python -m bench.peers {{ words }}

# which mutants of a target's kernels the oracle refuses, on which backend, by which case
mutants:
    python -m tests.mutants.matrix

# the whole check for a machine with a GPU
gpu:
    bash bench/gpu.sh

# kernels that must be refused, and honest ones that must pass: just hostile [--backend numpy] [--only NAME]
hostile *words:
    python -m tests.hostile.matrix {{ words }}

# how often the gate errs, by simulation
gate-simulation:
    python -m bench.gate.simulate --out bench/results/gate-simulation

# the same on this machine, in pieces: 200 rounds of a kernel against itself, 50 each of one slowed on purpose
gate-machine samples="bench/results/gate-machine/samples.jsonl.gz":
    python -m bench.gate.machine {{ samples }} --rounds 200
    for slow in 0.012 0.023 0.034 0.057; do python -m bench.gate.machine {{ samples }} --rounds 50 --slow $slow; done
    python -m bench.gate.machine {{ samples }} --rounds 20 --full
    python -m bench.gate.report {{ samples }} --out bench/results/gate-machine

# a session of the loop, recorded anew
session:
    python -m bench.session.record --out docs/sessions/pq-l2-numpy

# how time grows with every size, for every backend, with a picture: just scaling pq-l2
scaling target *words:
    python -m bench.scaling {{ target }} --out docs/targets {{ words }}
