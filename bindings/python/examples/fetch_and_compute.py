"""Fetching and computing at once, with asyncio: `python fetch_and_compute.py [N]`."""

import asyncio
import sys
import time

import numpy as np

import hotloop

n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
parts = 6
program = hotloop.compile("sum(sin(x)**2 + exp(-x * x))")


async def fetch(part):
    """Waits as a network would."""
    await asyncio.sleep(0.02)
    return np.linspace(part, part + 1, n)


async def one_after_another():
    return [program(await fetch(part)) for part in range(parts)]


async def at_once():
    async def both(part):
        return await program.run_async(await fetch(part))

    return await asyncio.gather(*(both(part) for part in range(parts)))


results = []
for name, way in (("in turn", one_after_another), ("at once", at_once)):
    started = time.perf_counter()
    results.append(asyncio.run(way()))
    print(f"{name:12} {1e3 * (time.perf_counter() - started):9.3f} ms")
assert results[0] == results[1]
