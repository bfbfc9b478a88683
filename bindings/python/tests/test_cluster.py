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


def test_existing_code_on_a_cluster(client):
    x = numbers() / N
    want = ((np.cos(np.arange(N) / N) ** 2 + 3 * np.arange(N) / N) * 2).sum()
    with dask.config.set(array_optimize=hotloop.dask.optimize):
        got = client.compute(((da.cos(x) ** 2 + 3 * x) * 2).sum()).result(timeout=240)
    assert abs(got - want) < 1e-9 * want
