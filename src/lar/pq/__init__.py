"""Product quantisation: what the targets that search product-quantised rows have in common.

A row is known by m codes, one for each sub-space: code c of sub-space j says that the centroid ``codebook[j, c]``
stands for the row's j-th sub-vector. What a distance is, each target says itself; whatever does not depend on it is
here, a module for each file of a target's folder: `inputs` (with `training`), `contract`, `reference`, `portable` and
``tuned/jax``. The loops that tuned NumPy kernels share are in `lar.simd`.

Source: Jegou, Douze, Schmid: Product quantization for nearest neighbor search, IEEE TPAMI 33(1), 2011.
"""
