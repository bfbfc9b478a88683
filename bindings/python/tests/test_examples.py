"""The examples run; each asserts its results."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py") if path.name != "timing.py")


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_example(name):
    command = [sys.executable, str(EXAMPLES / name), "300"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" ms\n") >= 2


def test_there_are_examples():
    assert len(SCRIPTS) == 8


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="the system counts no memory")
def test_shared_memory_saves_copies():
    command = [sys.executable, str(EXAMPLES / "shared_memory_pool.py"), "4000000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    counts = {}
    for line in done.stdout.splitlines():
        if line.startswith("bytes"):
            what, _, numbers = line.partition(": ")
            counts[what] = [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", numbers)]
    # 32 MB there and back; a worker has at least one part of 4 MB and its result.
    usual, own = counts["bytes that are pickled"]
    assert usual > 64_000_000 and own <= 8 * 4096
    usual, own = counts["bytes that a worker grows by"]
    assert usual >= 8_000_000 and own <= 0.2 * usual
