"""An exponential moving average: `python ema.py [N]`."""

import sys

import numpy as np
from timing import compare

import hotloop

n = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
price = 100 + np.random.default_rng(4).normal(size=n).cumsum()
span = 20

program = hotloop.compile(f"ewm_mean(price, span={span})")


def loop():
    alpha, mean = 2 / (span + 1), price[0]
    result = np.empty(n)
    for i, x in enumerate(price):
        mean += alpha * (x - mean)
        result[i] = mean
    return result


results = compare(python=loop, hotloop=lambda: program(price))
np.testing.assert_allclose(results["hotloop"], results["python"], rtol=1e-9)
