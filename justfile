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
    python -m pytest -q -m "not slow"

# the sweeps that CI leaves out
test-slow:
    python -m pytest -q -m slow

# a target against the libraries a user would pick instead: just peers pq-l2 [--scale large]
peers target *words:
    python -m bench.peers.{{ replace(target, "-", "_") }} {{ words }}

# which mutants of a target's kernels the oracle refuses, on which backend, by which case
mutants:
    python -m tests.mutants.matrix

# the whole check for a machine with a GPU
gpu:
    bash bench/gpu.sh
