"""Calls: arguments by name and position, outputs, results, orders."""

import pickle

import hotloop
import numpy as np
import pytest
from numpy.testing import assert_array_equal as equal


def test_by_position_and_name():
    program = hotloop.compile("a * 2 - b")
    a, b = np.arange(5.0), np.ones(5)
    for _ in range(3):
        equal(program(a, b), a * 2 - b)
        equal(program(b=b, a=a), a * 2 - b)
        equal(program(a, b=b), a * 2 - b)
    assert program.inputs == ("a", "b") and program.outputs == (None,)
    # Names that are not interned.
    equal(program(**{"".join(["a"]): a, "".join(["b", ""]): b}), a * 2 - b)


def test_wrong_arguments():
    program = hotloop.compile("a * 2 - b")
    a = np.ones(3)
    with pytest.raises(KeyError, match="'b'"):
        program(a)
    with pytest.raises(KeyError, match="'a'"):
        program(b=a)
    with pytest.raises(TypeError, match="2 inputs, but 3"):
        program(a, a, a)
    with pytest.raises(TypeError, match="'a' is given twice"):
        program(a, a=a, b=a)
    with pytest.raises(ValueError, match="do not broadcast"):
        program(a, np.ones(4))
    equal(program(a=a, b=a, unread=np.ones(7)), a)
    with pytest.raises(TypeError, match="bound by the program"):
        hotloop.compile("y = x * 2; y")(x=a, y=a)


def test_out_is_returned_and_written():
    program = hotloop.compile("x + 1")
    x, y = np.arange(4.0), np.zeros(4)
    for _ in range(3):
        y[:] = 0
        assert program(x, out=y) is y
        equal(y, x + 1)
    assert program(x, out=(y,)) is y
    # In place, then apart, then shifted by one: as if inputs were copied first.
    z = np.arange(8.0)
    assert program(z[:4], out=z[:4]) is not None
    equal(z, [1, 2, 3, 4, 4, 5, 6, 7])
    z = np.arange(8.0)
    program(z[:-1], out=z[1:])
    equal(z, [0, 1, 2, 3, 4, 5, 6, 7])
    z = np.arange(8.0)
    program(z[1:], out=z[:-1])
    equal(z, [2, 3, 4, 5, 6, 7, 8, 7])
    program(z[::-1], out=z)
    equal(z, [8, 9, 8, 7, 6, 5, 4, 3])


def test_out_that_does_not_fit():
    program = hotloop.compile("x + 1")
    x = np.arange(4.0)
    with pytest.raises(TypeError, match="f64.*f32|f32.*f64"):
        program(x, out=np.zeros(4, "f4"))
    with pytest.raises(ValueError, match="shape"):
        program(x, out=np.zeros(5))
    readonly = np.zeros(4)
    readonly.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        program(x, out=readonly)
    with pytest.raises(ValueError, match="overlaps itself"):
        program(x, out=np.lib.stride_tricks.as_strided(np.zeros(1), (4,), (0,)))
    for wrong in ([0.0] * 4, "y", 3, memoryview(bytearray(32))):
        with pytest.raises((TypeError, ValueError)):
            program(x, out=wrong)
    with pytest.raises(TypeError, match="masked"):
        program(x, out=np.ma.zeros(4))
    with pytest.raises(ValueError, match="2 arrays for 1 output"):
        program(x, out=(np.zeros(4), np.zeros(4)))


def test_an_output_becomes_read_only_between_calls():
    program = hotloop.compile("x + 1")
    x, y = np.arange(4.0), np.zeros(4)
    program(x, out=y)
    y.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        program(x * 2, out=y)
    equal(y, x + 1)


def test_several_outputs():
    program = hotloop.compile("low = minimum(a, b); high = maximum(a, b); low, high, a + b")
    a, b = np.array([1.0, 5.0]), np.array([3.0, 4.0])
    for _ in range(2):
        result = program(a, b)
        equal(result.low, [1, 4])
        equal(result.high, [3, 5])
        equal(result[2], [4, 9])
        assert result._fields == ("low", "high") and len(result) == 3
    low, high, total = result
    assert list(result._asdict()) == ["low", "high", 2]
    again = pickle.loads(pickle.dumps(result))
    equal(again.low, [1, 4])
    assert type(again) is type(result)
    low, total = np.zeros(2), np.zeros(2)
    result = program(a, b, out={"low": low})
    assert result.low is low
    equal(low, [1, 4])
    equal(result.high, [3, 5])
    result = program(a, b, out=(None, low, total))
    assert result.high is low and result[2] is total
    equal(result.low, [1, 4])
    with pytest.raises(KeyError, match="'middle'"):
        program(a, b, out={"middle": low})
    with pytest.raises(ValueError, match="2 arrays for 3"):
        program(a, b, out=(low, total))
    with pytest.raises(ValueError, match="overlaps"):
        program(a, b, out=(low, low, total))


def test_names_that_cannot_be_fields_make_a_dict():
    result = hotloop.compile("count = x + 1; y = x + 2; count, y, x * 3")(np.ones(2))
    assert list(result) == ["count", "y", 2]
    equal(result["count"], [2, 2])
    equal(result[2], [3, 3])


def test_outputs_own_their_memory_and_have_an_order():
    program = hotloop.compile("x + 1")
    x = np.arange(12.0).reshape(3, 4)
    for array in (x, np.asfortranarray(x), x.T, x[:, ::2], np.broadcast_to(x[0], (3, 4))):
        for _ in range(2):
            y = program(array)
            assert y.flags.owndata and y.base is None and type(y) is np.ndarray
            equal(y, array + 1)
            assert y.flags.c_contiguous == (array + 1).flags.c_contiguous
        for order in "CF":
            y = program(array, order=order)
            equal(y, array + 1)
            assert y.flags.c_contiguous if order == "C" else y.flags.f_contiguous
    assert hotloop.compile("x + 1", order="F")(x).flags.f_contiguous
    with pytest.raises(ValueError, match="order"):
        program(x, order="A")


def test_a_result_without_axes_is_a_scalar():
    program = hotloop.compile("sum(x)")
    for _ in range(2):
        result = program(np.arange(5, dtype="i4"))
        assert type(result) is np.int64 and result == 10
    out = np.zeros((), "i8")
    assert program(np.arange(5, dtype="i4"), out=out) is out and out == 10


def test_programs_without_inputs():
    assert hotloop.compile("1 + 2")() == 3
    equal(hotloop.evaluate("2 ** 0.5"), 2**0.5)


def test_evaluate_looks_up_names_of_inputs_only():
    a, unread = np.arange(3.0), object()
    equal(hotloop.evaluate("a * 2 + MODULE_LEVEL"), [10, 12, 14])
    equal(hotloop.evaluate("a * 2", a=np.ones(2)), [2, 2])
    with pytest.raises(KeyError, match="nowhere"):
        hotloop.evaluate("a + nowhere")
    # Names of Python are not names of a program.
    with pytest.raises(KeyError, match="print"):
        hotloop.evaluate("a + print")
    out = np.zeros(3)
    assert hotloop.evaluate("a + 1", out=out) is out
    equal(out, a + 1)
    assert unread is not None


MODULE_LEVEL = 10.0


def test_many_layouts_in_turn():
    program = hotloop.compile("x * k + y")
    rng = np.random.default_rng(5)
    for round_ in range(3):
        for n in range(40):
            x, y = rng.normal(size=n), rng.normal(size=n).astype("f4")
            equal(program(x, 2.0, y), x * 2.0 + y)
            equal(program(x, k=n, y=1), x * n + 1)


def test_a_thousand_inputs():
    names = [f"x{i}" for i in range(1000)]
    program = hotloop.compile(" + ".join(names))
    arrays = {name: np.full(10, float(i)) for i, name in enumerate(names)}
    for _ in range(2):
        equal(program(**arrays), np.full(10, 499500.0))


def test_inputs_named_out_and_order():
    program = hotloop.compile("out + order * 2")
    equal(program(np.ones(2), np.ones(2)), [3, 3])
    equal(program(out=np.ones(2), order=np.ones(2)), [3, 3])


def test_the_same_arrays_again_have_their_new_elements():
    program = hotloop.compile("x * s + k")
    x, s, out = np.arange(4.0), np.array(2.0), np.empty(4)
    for k in (1, 1, 2):
        for scale in (2.0, 3.0):
            s[...] = scale
            x += 1
            equal(program(x, s, k, out=out), x * scale + k)
    plain = hotloop.compile("x * s")
    for turn in range(4):
        x *= -0.5
        s += 1
        equal(plain(x, s, out=out), x * s)
        if turn == 2:
            # In place, and other arrays in between.
            equal(plain(x.copy(), s), x * s)
            want = x * s
            plain(x, s, out=x)
            equal(x, want)
