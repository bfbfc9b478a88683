"""A cluster of processes: programs travel as text, and a killed worker loses nothing."""

import os
import signal
import time

import hotloop
import numpy as np
import pytest

pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")

import dask  # noqa: E402
from distributed import Client, LocalCluster, futures_of  # noqa: E402

import hotloop.dask  # noqa: E402

N, CHUNK = 400_000, 10_000


def block(block_info=None):
    """A part of 0, 1, 2, ..., which takes a while to come."""
    import time

    import numpy as np

    time.sleep(0.02)
    start, stop = block_info[None]["array-location"][0]
    return np.arange(start, stop, dtype=float)


def programs():
    from hotloop import _program

    return len(_program._programs)


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    try:
        cluster = LocalCluster(**options)
    except (TimeoutError, OSError) as error:
        pytest.skip(f"no cluster could be started: {error}")
    with cluster, Client(cluster) as client:
        yield client


def numbers():
    chunks = ((CHUNK,) * (N // CHUNK),)
    return da.map_blocks(block, chunks=chunks, dtype=float, meta=np.empty(0))


def test_a_killed_worker_loses_nothing(client):
    program = hotloop.compile("sin(x) * 2 + x / 3")
    want = program(np.arange(N, dtype=float))
    pids = client.run(os.getpid)
    result = da.map_blocks(program, numbers()).persist()
    futures = futures_of(result)
    deadline = time.monotonic() + 120
    while sum(future.done() for future in futures) < len(futures) // 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(next(iter(pids.values())), signal.SIGKILL)
    np.testing.assert_array_equal(client.compute(result).result(timeout=240), want)
    # Compiled once by each worker that computed anything.
    counts = list(client.run(programs, on_error="ignore").values())
    assert max(counts) == 1


def digest(block):
    """A number that tells blocks of other bits apart."""
    import hashlib

    import numpy as np

    return np.frombuffer(hashlib.blake2b(block.tobytes(), digest_size=8).digest(), "i8")


def digests(array, chunk):
    return np.concatenate([digest(array[i : i + chunk]) for i in range(0, len(array), chunk)])


def check_large(client, n, chunk):
    """Elementwise programs and windows of n elements, during which a worker is killed."""
    x = da.map_blocks(block, chunks=((chunk,) * (n // chunk),), dtype=float, meta=np.empty(0))
    elementwise = hotloop.compile("sin(x) * 2 + x / 3")
    windows = hotloop.compile("rolling_mean(sin(x), 1000) - shift(x, 77)")
    lazy = [da.map_blocks(elementwise, x), hotloop.dask.map_overlap(windows, x)]
    ones = {"chunks": ((1,) * (n // chunk),), "dtype": "i8", "meta": np.empty(0, "i8")}
    started = time.monotonic()
    results = [part.map_blocks(digest, **ones).persist() for part in lazy]
    total = da.map_blocks(elementwise, x).sum().persist()
    futures = futures_of(results)
    pids = client.run(os.getpid)
    while sum(future.done() for future in futures) < len(futures) // 3:
        assert time.monotonic() < started + 1800
        time.sleep(0.01)
    os.kill(next(iter(pids.values())), signal.SIGKILL)
    got = [client.compute(result).result(timeout=1800) for result in (*results, total)]
    print(f"{n:.0e} elements in {time.monotonic() - started:.1f} s, with a killed worker")
    whole = np.arange(n, dtype=float)
    one = elementwise(whole)
    np.testing.assert_array_equal(got[0], digests(one, chunk))
    # Sums are of another order.
    assert abs(got[2] - one.sum()) <= 1e-12 * np.abs(one).sum()
    del one
    np.testing.assert_array_equal(got[1], digests(windows(whole), chunk))


def test_windows_on_a_cluster(client):
    check_large(client, N, CHUNK)


@pytest.mark.large
def test_a_hundred_million_elements(client):
    check_large(client, 100_000_000, 1_000_000)


def test_existing_code_on_a_cluster(client):
    x = numbers() / N
    want = ((np.cos(np.arange(N) / N) ** 2 + 3 * np.arange(N) / N) * 2).sum()
    with dask.config.set(array_optimize=hotloop.dask.optimize):
        got = client.compute(((da.cos(x) ** 2 + 3 * x) * 2).sum()).result(timeout=240)
    assert abs(got - want) < 1e-9 * want
