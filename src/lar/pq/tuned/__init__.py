"""Loops that tuned kernels of one backend share, a module for each backend."""
