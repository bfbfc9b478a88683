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


def own_memory():
    """Bytes of memory of this process alone: shared memory, and what is mapped from files, is not."""
    try:
        with open("/proc/self/smaps_rollup") as file:
            lines = [line.split() for line in file]
    except OSError:
        return 0
    return sum(1024 * int(line[1]) for line in lines if line[0] == "Anonymous:")


def in_place(task):
    start, stop = task
    PROGRAM(attached["x"][start:stop], out=attached["y"][start:stop])
    return own_memory()


def pickled(x):
    y = PROGRAM(x)
    return y, own_memory()


def report(what, usual, own):
    print(f"{what}: {usual:,} pickled, {own:,} in place")


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000
    context = multiprocessing.get_context("spawn")
    memory = shared_memory.SharedMemory(create=True, size=16 * n)
    x, y = np.ndarray((2, n), buffer=memory.buf)
    x[:] = np.linspace(0, 10, n)
    step = -(-n // 8)
    tasks = [(start, min(start + step, n)) for start in range(0, n, step)]
    with context.Pool(2) as pool:
        before = max(used for _, used in pool.map(pickled, [x[:10]] * 8, chunksize=1))
        started = time.perf_counter()
        results = pool.map(pickled, [x[a:b] for a, b in tasks], chunksize=1)
        print(f"pickled      {1e3 * (time.perf_counter() - started):9.3f} ms")
    usual_memory = max(used for _, used in results) - before
    usual = np.concatenate([part for part, _ in results])
    with context.Pool(2, attach, (memory.name, n)) as pool:
        before = max(pool.map(in_place, [(0, 1)] * 8, chunksize=1))
        started = time.perf_counter()
        used = pool.map(in_place, tasks, chunksize=1)
        print(f"in place     {1e3 * (time.perf_counter() - started):9.3f} ms")
    own_growth = max(0, max(used) - before)
    np.testing.assert_array_equal(y, usual)
    usual_bytes = sum(len(pickle.dumps(x[a:b])) for a, b in tasks)
    usual_bytes += sum(len(pickle.dumps(result)) for result in results)
    own_bytes = sum(len(pickle.dumps(part)) for part in (*tasks, *used))
    report("bytes that are pickled", usual_bytes, own_bytes)
    report("bytes that a worker grows by", usual_memory, own_growth)
    assert own_bytes < 0.2 * usual_bytes
    del x, y
    memory.close()
    memory.unlink()


if __name__ == "__main__":
    main()
