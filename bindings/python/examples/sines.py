"""sin(c)**2 + cos(f)**2 of a C-ordered and a Fortran-ordered array: `python sines.py [N]`."""

import sys

import numpy as np
from timing import compare

import hotloop

n = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
c = np.random.default_rng(1).normal(size=(n, n))
f = np.asfortranarray(c.T)


@hotloop.jit
def traced(c, f):
    return np.sin(c) ** 2 + np.cos(f) ** 2


program = hotloop.compile("sin(c)**2 + cos(f)**2")
results = compare(
    numpy=lambda: np.sin(c) ** 2 + np.cos(f) ** 2,
    hotloop=lambda: program(c, f),
    jit=lambda: traced(c, f),
)
np.testing.assert_allclose(results["hotloop"], results["numpy"], rtol=1e-14)
np.testing.assert_array_equal(results["hotloop"], results["jit"])
