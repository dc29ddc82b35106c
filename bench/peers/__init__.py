"""Targets against the libraries that a user would pick instead; `python -m bench.peers` makes one table of all."""

import os
import sys

# One thread, on the CPU: libraries read these variables when they are loaded. Whoever imports this package for another
# reason keeps his environment; while ``python -m`` looks for a module, "-m" stands where its path will.
if sys.argv[:1] == ["-m"]:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
