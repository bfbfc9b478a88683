"""A moving average and the distance from it, in one pass: `python moving_average.py [N]`."""

import sys

import numpy as np
from timing import compare

import hotloop

n = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
price = 100 + np.random.default_rng(3).normal(size=n).cumsum()
window = 20

program = hotloop.compile(f"mean = rolling_mean(price, {window}); mean, price / mean - 1")


def with_cumsum():
    # What is usually written; it drifts, because it subtracts what it has added.
    total = np.cumsum(price)
    mean = np.full(n, np.nan)
    mean[window - 1] = total[window - 1] / window
    mean[window:] = (total[window:] - total[:-window]) / window
    return mean, price / mean - 1


results = compare(numpy=with_cumsum, hotloop=lambda: program(price))
np.testing.assert_allclose(results["hotloop"].mean, results["numpy"][0], rtol=1e-6)
