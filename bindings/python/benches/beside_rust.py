"""The programs of the root's first table from Python beside the same runs in Rust; prints Markdown.

Calls from Python and runs of the bound kernel in Rust take turns on the same arrays. Figures are medians of
the rounds, in milliseconds on two threads; the spread is that of Rust's own rounds, from the first quartile
to the third, over the median. Only ratios mean much on a machine that others use.
`python benches/beside_rust.py [--threads 2] [--rounds 31]`.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--rounds", type=int, default=31)
arguments = parser.parse_args()
os.environ["HOTLOOP_NUM_THREADS"] = str(arguments.threads)

import numpy as np

import hotloop
from hotloop._hotloop import _seconds

sys.path.append(str(Path(__file__).resolve().parents[3] / "benches" / "peers"))
from workloads import BLACK_SCHOLES, HORNER

BIG, SIDE = 10_000_000, 4_000
AXPBY, SQUARES = "2*a + 3*b", "sin(a)**2 + cos(b)**2"

rng = np.random.default_rng(1)


def line(n, names, dtype="f8"):
    return {name: rng.random(n).astype(dtype) for name in names}


def options(n, dtype):
    ranges = {"S": (50, 150), "K": (50, 150), "T": (0.1, 2)}
    return {name: rng.uniform(*ends, n).astype(dtype) for name, ends in ranges.items()}


def mixed(n):
    arrays = {"i": rng.integers(0, 1000, n, dtype="i4"), "f": rng.random(n).astype("f4")}
    return {**arrays, "a": rng.random(2 * n)[::2]}


def square():
    c, f = rng.random((2, SIDE, SIDE))
    return {"c": c, "f": np.asfortranarray(f)}


# What it is called, the text, its arrays and the options of `compile`.
WORKLOADS = [
    ("W1", SQUARES, lambda: line(BIG, "ab"), {}),
    ("W2", AXPBY, lambda: line(BIG, "ab"), {}),
    *(("W3", AXPBY, lambda n=n: line(n, "ab"), {}) for n in (10_000, 100_000, 1_000_000)),
    *(("W4", "((.25*x + .75)*x - 1.5)*x - 2", lambda n=n: line(n, "x"), {}) for n in (BIG, 10_000)),
    ("W5, f64", BLACK_SCHOLES, lambda: options(4_000_000, "f8"), {}),
    ("W5, f32", BLACK_SCHOLES, lambda: options(4_000_000, "f4"), {}),
    ("W6", "sum(a*b)", lambda: line(BIG, "ab"), {}),
    ("W6", "sum((a-b)**2)", lambda: line(BIG, "ab"), {}),
    ("W7", "where((a>0.5)&(b<0.3), a*2, b+1)", lambda: line(BIG, "ab"), {}),
    ("W8", "i*f + a", lambda: mixed(BIG // 2), {}),
    ("W9", "exp(-a*b) + log1p(a) + a**b", lambda: line(BIG, "ab"), {}),
    ("W10", "sum(c*2 + f, axis=1)", square, {}),
    ("W10", "sin(c)**2 + cos(f)**2", square, {}),
    ("W11", "rolling_mean(x, 20)", lambda: line(BIG, "x"), {}),
    ("W12", "ewm_mean(x, alpha=.1)", lambda: line(BIG, "x"), {}),
    *(("W13", HORNER, lambda n=n: line(n, "x"), {"fp": "contract"}) for n in (10_000, BIG)),
]
TITLES = {BLACK_SCHOLES: "Black-Scholes", HORNER: "Horner, 40 operations, `contract`"}


def measured(text, arrays, more):
    program = hotloop.compile(text, **more)
    inputs = [arrays[name] for name in program.inputs]
    results = program(*inputs)
    several = isinstance(results, tuple)
    # NumPy's scalars are no arrays.
    outs = [np.array(result) for result in (results if several else [results])]
    out = tuple(outs) if several else outs[0]
    calls = max(1, 200_000 // inputs[0].size)
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        program(*inputs, out=out)
        started = time.perf_counter()
        for _ in range(calls):
            program(*inputs, out=out)
        ours.append((time.perf_counter() - started) / calls)
        theirs.append(_seconds(program, inputs, outs, calls) / calls)
    return inputs[0].size, ours, theirs


print("| | program | n | Python | Rust | ratio | spread in Rust |\n|---|---|---|---|---|---|---|")
for name, text, make, more in WORKLOADS:
    n, ours, theirs = measured(text, make(), more)
    first, middle, third = statistics.quantiles(theirs, n=4)
    own = statistics.median(ours)
    cells = [name, TITLES.get(text, f"`{text}`"), f"{n:,}", f"{1e3 * own:.3g}", f"{1e3 * middle:.3g}"]
    print(f"| {' | '.join(cells)} | {own / middle:.2f} | {(third - first) / middle:.2f} |", flush=True)
