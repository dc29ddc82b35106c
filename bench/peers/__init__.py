"""Targets against the libraries that a user would pick instead; `python -m bench.peers` makes one table of all.

One thread: libraries read these variables when they are loaded.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
