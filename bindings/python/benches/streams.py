"""The time of a push of one row, and rows a second in batches, as `cargo bench --bench streams` has them.

`python benches/streams.py [--rounds 40]`: nanoseconds a push are the best of the rounds, each of 20,000.
"""

import argparse
import time

import numpy as np

import hotloop

parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=40)
rounds = parser.parse_args().rounds
PROGRAMS = [
    ("one window", "rolling_mean(x, 20)"),
    (
        "three factors",
        "x / rolling_mean(x, 20) - 1, ewm_mean(x, span=12) - ewm_mean(x, span=26), rolling_max(x, 50)",
    ),
    ("window 10,000", "rolling_mean(x, 10000)"),
    ("three factors, 10,000", "x / rolling_mean(x, 10000) - 1, ewm_mean(x, span=50), rolling_max(x, 20)"),
]
BATCH = 1 << 16


def best(work, count):
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) / count)
    return min(times)


x = 100 + np.sin(np.arange(BATCH) * 0.7)
rows = x[:20_000].tolist()
print(f"{'':24} {'a row':>8} {'by key':>8} {'values/s':>10}")
for name, text in PROGRAMS:
    program = hotloop.compile(text, threads=1)
    stream, keyed = program.stream(x), program.stream(x)

    def each():
        for row in rows:
            stream.push(row)

    def by_key():
        for row in rows:
            keyed.push_keyed("A", row)

    one, with_key = best(each, len(rows)), best(by_key, len(rows))
    batches = program.stream(x)
    outs = tuple(np.empty(BATCH) for _ in program.outputs)
    batch = best(lambda: batches.push(x, out=outs), BATCH)
    print(f"{name:24} {1e9 * one:8.0f} {1e9 * with_key:8.0f} {len(outs) / batch:10.2g}")
