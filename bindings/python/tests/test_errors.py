"""Errors: the place in a program, exceptions, hostile text."""

import sys
import traceback

import hotloop
import numpy as np
import pytest


def test_a_compile_error_draws_its_place():
    text = "y = a + 1\nsine(y) * 2"
    with pytest.raises(hotloop.CompileError) as caught:
        hotloop.compile(text)
    error = caught.value
    assert isinstance(error, SyntaxError)
    assert (error.lineno, error.offset, error.end_offset) == (2, 1, 5)
    assert error.text == "sine(y) * 2"
    assert "unknown function 'sine'" in error.msg and "did you mean 'sin'" in error.msg
    drawn = "".join(traceback.format_exception_only(error))
    assert "    sine(y) * 2\n    ^^^^\n" in drawn


def test_columns_are_code_points():
    with pytest.raises(hotloop.CompileError) as caught:
        hotloop.compile("# é\nx + 'é' @")
    assert caught.value.lineno == 2 and caught.value.offset >= 5


@pytest.mark.parametrize(
    "text", ["", "  ", "1 +", "(", "x x", "x[", "pow(x)", "\0", "x\x1b[2J", "é", "import os", "f'{x}'"]
)
def test_what_is_no_program(text):
    with pytest.raises(hotloop.CompileError) as caught:
        hotloop.compile(text)
    assert "\x1b" not in str(caught.value) and len(str(caught.value)) < 3000


def test_texts_that_are_no_text():
    for wrong in (None, 3, b"x", ["x"]):
        with pytest.raises(TypeError):
            hotloop.compile(wrong)
    with pytest.raises(ValueError):
        hotloop.compile("\ud800")
    with pytest.raises(ValueError, match="at most"):
        hotloop.compile("x + " * 1_000_000 + "x")


def test_options_are_checked():
    for wrong in ({"fp": "loose"}, {"threads": 0}, {"threads": -1}, {"memory": 0}, {"order": "A"}):
        with pytest.raises(ValueError):
            hotloop.compile("x", **wrong)
    for wrong in ({"fp": 3}, {"threads": "2"}, {"colour": 1}):
        with pytest.raises(TypeError):
            hotloop.compile("x", **wrong)
    assert hotloop.compile("x", threads=10**9)(np.ones(2)).sum() == 2


def test_dtypes_that_an_operation_does_not_take():
    with pytest.raises(TypeError) as caught:
        hotloop.compile("x + (x & 1)")(np.ones(3))
    assert "^" in str(caught.value) and "x & 1" in str(caught.value)


INJECTIONS = [
    "__import__('os').system('true')",
    "().__class__.__bases__",
    "x.real.__class__",
    "open('/etc/passwd')",
    "lambda: x",
    "[i for i in x]",
    "exec('1')",
    "(x:=1)",
    "(yield x)",
    "np.load('f')",
    "getattr(x, 'y')",
]


def test_nothing_of_python_is_evaluated():
    events, watching = [], False

    def hook(event, args):
        if watching and event.split(".")[0] in (
            "exec",
            "compile",
            "import",
            "open",
            "ctypes",
            "socket",
            "os",
        ):
            events.append(event)

    sys.addaudithook(hook)
    x = np.arange(3.0)
    hotloop.evaluate("x + 1")
    hotloop.evaluate("a = x + 1; b = x; a, b")
    watching = True
    try:
        for text in INJECTIONS:
            try:
                hotloop.compile(text)
                raise AssertionError(text)
            except hotloop.CompileError:
                pass
        for k in range(5):
            program = hotloop.compile(f"low{k} = x + {k}; high{k} = x; low{k}, high{k}")
            program(x)
            hotloop.evaluate(f"sin(x) + {k}")
    finally:
        watching = False
    # The modules of the package itself may be imported, nothing else.
    assert [event for event in events if event != "import"] == []


def test_bad_values_never_crash():
    program = hotloop.compile("x // y, x % y, x << y")
    for dtype in ("i1", "i8"):
        info = np.iinfo(dtype)
        x = np.array([info.min, info.max, -1, 0], dtype)
        y = np.array([-1, 0, 100, -100], dtype)
        quotient, remainder, shifted = program(x, y)
        assert quotient[1] == 0 and remainder[1] == 0 and shifted[2] == 0


def test_functions():
    table = hotloop.functions()
    assert table["sin"].signature == "sin(x)" and table["sin"].ulp == 1.0
    assert table["sum"].is_reduction and "add" not in table["sum"].aliases
    assert all(f.about for f in table.values()) and len(table) > 100
