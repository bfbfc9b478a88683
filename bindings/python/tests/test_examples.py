"""The examples run; each asserts its results."""

import pathlib
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
    assert len(SCRIPTS) == 6
