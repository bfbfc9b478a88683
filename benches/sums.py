"""The errors of sums and variances beside NumPy's, in eps of the dtype, as the table of README.md.

    cargo build --release && python3 benches/sums.py target/release/hotloop

Along an axis the largest error of all results is given, over the exact result; of values of both
signs, over the sum of their magnitudes. Exact are `math.fsum` and, for `var`, long doubles.
"""

import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HOTLOOP = sys.argv[1]
N = 1000


def ours(text, a):
    with tempfile.TemporaryDirectory() as place:
        there, out = Path(place) / "a.npy", Path(place) / "out.npy"
        np.save(there, a)
        subprocess.run([HOTLOOP, text, f"a={there}", "-o", out], check=True, capture_output=True)
        return np.load(out)


def along(f, a, axis):
    """`f` of the elements of each result."""
    if axis is None:
        return np.array(f(a.ravel()))
    return np.array([f(line) for line in (a.T if axis == 0 else a)])


def var(x):
    x = x.astype(np.longdouble)
    mean = x.sum() / x.size
    return ((x - mean) ** 2).sum() / x.size


def error(got, exact, over, dtype):
    return np.max(np.abs(got.astype(np.longdouble) - exact) / over) / np.finfo(dtype).eps


def main():
    random = np.random.default_rng(1)
    tenths = np.full((N, N), 0.1)
    data = {
        "0.1": tenths,
        "uniform in 0 .. 1": random.random((N, N)),
        "normal": random.normal(size=(N, N)),
        "exponential": random.exponential(size=(N, N)),
        "normal + 1000": random.normal(size=(N, N)) + 1000,
    }
    print("| | | `f32`, all | axis 0 | axis 1 | `f64`, all | axis 0 | axis 1 |")
    print("|---|---|---|---|---|---|---|---|")
    for name, a in data.items():
        for text in ["sum", "var"]:
            if name == "0.1" and text == "var":
                continue
            cells = []
            for dtype in [np.float32, np.float64]:
                x = a.astype(dtype)
                for axis in [None, 0, 1]:
                    keyword = "" if axis is None else f", axis={axis}"
                    exact = along(math.fsum if text == "sum" else var, x, axis)
                    over = along(math.fsum, np.abs(x), axis) if text == "sum" else exact
                    mine = error(ours(f"{text}(a{keyword})", x), exact, over, dtype)
                    theirs = error(getattr(np, text)(x, axis=axis), exact, over, dtype)
                    cells.append(f"{mine:.2g} / {theirs:.2g}")
            print(f"| {name} | `{text}` | " + " | ".join(cells) + " |")


main()
