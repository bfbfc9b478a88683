"""Processes that work on one array without copies of it: `python shared_memory_pool.py [N]`.

The usual way pickles a slice for each task, and pickles its result back. Here workers attach to shared
memory once, and a task is two numbers.
"""

import multiprocessing
import pickle
import sys
import time
from multiprocessing import shared_memory

import numpy as np

import hotloop

PROGRAM = hotloop.compile("sqrt(x * x + 1) - x", threads=1)
attached = {}


def attach(name, n):
    options = {"track": False} if sys.version_info >= (3, 13) else {}
    memory = shared_memory.SharedMemory(name=name, **options)
    attached["memory"] = memory
    attached["x"], attached["y"] = np.ndarray((2, n), buffer=memory.buf)


def in_place(task):
    start, stop = task
    PROGRAM(attached["x"][start:stop], out=attached["y"][start:stop])


def pickled(x):
    return PROGRAM(x)


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000
    context = multiprocessing.get_context("spawn")
    memory = shared_memory.SharedMemory(create=True, size=16 * n)
    x, y = np.ndarray((2, n), buffer=memory.buf)
    x[:] = np.linspace(0, 10, n)
    step = -(-n // 8)
    tasks = [(start, min(start + step, n)) for start in range(0, n, step)]
    with context.Pool(2) as pool:
        pool.map(pickled, [x[:10]] * 2)
        started = time.perf_counter()
        usual = np.concatenate(pool.map(pickled, [x[a:b] for a, b in tasks]))
        print(f"pickled      {1e3 * (time.perf_counter() - started):9.3f} ms")
    with context.Pool(2, attach, (memory.name, n)) as pool:
        pool.map(in_place, [(0, 1)] * 2)
        started = time.perf_counter()
        pool.map(in_place, tasks)
        print(f"in place     {1e3 * (time.perf_counter() - started):9.3f} ms")
    np.testing.assert_array_equal(y, usual)
    usual_bytes = sum(len(pickle.dumps(x[a:b])) for a, b in tasks) + usual.nbytes
    own_bytes = sum(len(pickle.dumps(task)) for task in tasks)
    print(f"bytes that are pickled: {usual_bytes:,} and {own_bytes:,}")
    assert own_bytes < 0.2 * usual_bytes
    del x, y
    memory.close()
    memory.unlink()


if __name__ == "__main__":
    main()
