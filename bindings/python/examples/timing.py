"""Timing for the examples: the better of a few calls."""

import time


def best(call, repeats=3):
    """The shortest time of a call, in milliseconds, and its result."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        result = call()
        times.append(1e3 * (time.perf_counter() - started))
    return min(times), result


def compare(**calls):
    """Prints the times of several ways to one result, and returns the results."""
    results = {}
    for name, call in calls.items():
        milliseconds, results[name] = best(call)
        print(f"{name:12} {milliseconds:9.3f} ms")
    return results
