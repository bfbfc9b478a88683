"""Sums along the rows of C-ordered and Fortran-ordered arrays together: `python orders.py [N]`."""

import sys

import numpy as np
from timing import compare

import hotloop

n = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
rng = np.random.default_rng(2)
c, f = rng.normal(size=(n, n)), np.asfortranarray(rng.normal(size=(n, n)))

program = hotloop.compile("sum(c * 2 + f, axis=1), c + f")
results = compare(
    numpy=lambda: ((c * 2 + f).sum(axis=1), c + f),
    hotloop=lambda: program(c, f),
)
for ours, theirs in zip(results["hotloop"], results["numpy"]):
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
