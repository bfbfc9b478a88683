"""Times of a call, beside NumPy, numexpr and Numba where they are installed; prints a table of Markdown.

Contenders take turns; each figure is the best of the rounds, in microseconds, as other processes only add
to it.
`python benches/table.py [--threads 2] [--rounds 300] [--sizes 64,1000]`.
"""

import argparse
import os
import re
import subprocess
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--rounds", type=int, default=300)
parser.add_argument("--sizes", default="64,1000,10000,100000,1000000,10000000")
arguments = parser.parse_args()
for variable in ("HOTLOOP_NUM_THREADS", "OMP_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = str(arguments.threads)

import numpy as np

import hotloop


def with_numpy(text):
    code = compile(text, "numpy", "eval")
    names = {name: getattr(np, name) for name in ("sin", "cos")}

    def make(a, b, out):
        return lambda: out.__setitem__(..., eval(code, names, {"a": a, "b": b}))

    return make


def with_numexpr(text):
    import numexpr

    compiled = numexpr.NumExpr(text, signature=[("a", np.double), ("b", np.double)])

    def make(a, b, out):
        return lambda: compiled(a, b, out=out, ex_uses_vml=False)

    return make


def with_numba(text, parallel):
    import numba

    elements = re.sub(r"\b([ab])\b", r"\1[i]", text)
    source = f"def loop(a, b, out):\n    for i in numba.prange(len(a)):\n        out[i] = {elements}\n"
    names = {"numba": numba, "sin": np.sin, "cos": np.cos}
    exec(source, names)
    compiled = numba.njit(parallel=parallel, error_model="numpy")(names["loop"])

    def make(a, b, out):
        compiled(a, b, out)
        return lambda: compiled(a, b, out)

    return make


def with_hotloop(text, fresh):
    program = hotloop.compile(text)

    def make(a, b, out):
        if fresh:
            return lambda: program(a, b)
        return lambda: program(a, b, out=out)

    return make


def with_jit(text):
    names = {name: getattr(np, name) for name in ("sin", "cos")}
    function = hotloop.jit(eval(f"lambda a, b: {text}", names))

    def make(a, b, out):
        return lambda: function(a, b)

    return make


def contenders(text):
    yield "hotloop, out=", with_hotloop(text, False)
    yield "hotloop, fresh", with_hotloop(text, True)
    yield "hotloop.jit, fresh", with_jit(text)
    yield "NumPy", with_numpy(text)
    for name, make in (
        ("numexpr", lambda: with_numexpr(text)),
        ("Numba", lambda: with_numba(text, False)),
        ("Numba, parallel", lambda: with_numba(text, True)),
    ):
        try:
            yield name, make()
        except ImportError:
            pass


def measure(calls):
    counts, times = {}, {name: [] for name in calls}
    for name, call in calls.items():
        call()
        started, count = time.perf_counter(), 0
        while time.perf_counter() - started < 0.0002:
            call()
            count += 1
        counts[name] = max(count, 1)
    for _ in range(arguments.rounds):
        for name, call in calls.items():
            repeats = range(counts[name])
            started = time.perf_counter()
            for _ in repeats:
                call()
            times[name].append((time.perf_counter() - started) / counts[name])
    return {name: 1e6 * min(list_) for name, list_ in times.items()}


def imports():
    """Milliseconds that `import hotloop` adds to `import numpy`."""
    text = (
        "import time, numpy; t = time.perf_counter(); import hotloop; print(1e3 * (time.perf_counter() - t))"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", text], capture_output=True, text=True).stdout)
        for _ in range(11)
    ]
    return min(times)


def main():
    rng = np.random.default_rng(0)
    print(f"`import hotloop` after NumPy: {imports():.1f} ms\n")
    sizes = [int(float(size)) for size in arguments.sizes.split(",")]
    for text in ("2 * a + 3 * b - 1", "sin(a)**2 + cos(b)**2"):
        rows = {}
        made = dict(contenders(text))
        for n in sizes:
            a, b = rng.uniform(0, 1, (2, n))
            outs = {name: np.empty(n) for name in made}
            calls = {name: make(a, b, outs[name]) for name, make in made.items()}
            for name, time_ in measure(calls).items():
                rows.setdefault(name, []).append(time_)
        print(f"`{text}`, {arguments.threads} threads, µs\n")
        print("| | " + " | ".join(f"{n:,}" for n in sizes) + " |")
        print("|---" * (len(sizes) + 1) + "|")
        for name, times in rows.items():
            print(f"| {name} | " + " | ".join(f"{t:.2f}" if t < 10 else f"{t:,.0f}" for t in times) + " |")
        print()


main()
