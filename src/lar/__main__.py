"""`python -m lar` is the `lar` command, also from a bare checkout with `PYTHONPATH=src`."""

from lar.cli import main

main()
