"""Factors over ticks that arrive one after another, with a stream: `python factors_over_ticks.py [ROWS]`.

The usual way keeps the last prices in lists, and computes windows of them with NumPy for each tick.
"""

import csv
import pathlib
import sys
from collections import deque

import numpy as np
from timing import compare

import hotloop

rows = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
trades = pathlib.Path(__file__).parents[3] / "examples" / "data" / "trades.csv"
with open(trades, newline="") as file:
    table = list(csv.DictReader(file))[:rows]
symbols = [row["symbol"] for row in table]
bid, ask, amount = (np.array([float(row[name]) for row in table]) for name in ("bid", "ask", "amount"))

# The distance from the average price, the change over five ticks, and the amount beside the usual one.
program = hotloop.compile(
    """
    mid    = (bid + ask) / 2
    score  = (mid - rolling_mean(mid, 20)) / rolling_std(mid, 20)
    change = mid / shift(mid, 5) - 1
    volume = amount / rolling_mean(amount, 20)
    score, change, volume
    """
)


def stream():
    """A tick at a time, by symbol."""
    ticks = program.stream()
    return np.array([ticks.push_keyed(*tick) for tick in zip(symbols, bid, ask, amount)])


def batches():
    """A hundred ticks at a time."""
    ticks = program.stream()
    parts = [slice(i, i + 100) for i in range(0, len(symbols), 100)]
    return np.concatenate(
        [np.transpose(ticks.push_keyed(symbols[p], bid[p], ask[p], amount[p])) for p in parts]
    )


def lists():
    mids, amounts, results = {}, {}, []
    for symbol, low, high, size in zip(symbols, bid, ask, amount):
        last = mids.setdefault(symbol, deque(maxlen=20))
        paid = amounts.setdefault(symbol, deque(maxlen=20))
        last.append((low + high) / 2)
        paid.append(size)
        full = len(last) == 20
        window = np.array(last)
        results.append(
            (
                (window[-1] - window.mean()) / window.std(ddof=1) if full else np.nan,
                window[-1] / window[-6] - 1 if len(window) > 5 else np.nan,
                size / np.mean(paid) if full else np.nan,
            )
        )
    return np.array(results)


results = compare(numpy=lists, stream=stream, batches=batches)
np.testing.assert_array_equal(results["stream"], results["batches"])
np.testing.assert_allclose(results["stream"], results["numpy"], rtol=1e-6, atol=1e-9)
