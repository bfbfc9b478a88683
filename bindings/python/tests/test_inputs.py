"""What may be an input: arrays of any layout, numbers, and other libraries' arrays."""

import array
import decimal
import enum
import mmap

import hotloop
import numpy as np
import pytest
from numpy.testing import assert_array_equal as equal

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "q", "Q", "l", "L"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_layouts_and_byte_orders(dtype):
    program = hotloop.compile("x[::-1], x | x if False else x" if False else "x[::-1], +x")
    rng = np.random.default_rng(1)
    x = (rng.integers(0, 2, (6, 8)) if dtype == "?" else rng.integers(-50, 50, (6, 8))).astype(dtype)
    packed = np.zeros((6, 8), [("pad", "u1"), ("x", dtype)])
    packed["x"] = x
    swapped = x.astype(x.dtype.newbyteorder())
    views = [
        x,
        x.T,
        x[::2, 1::3],
        x[::-1, ::-1],
        np.asfortranarray(x),
        packed["x"],
        swapped,
        swapped[::-1, ::2],
    ]
    views += [np.broadcast_to(x[0], (5, 8)), x[0, 0], x[:0], x[:, :0]]
    for view in views:
        view = np.asarray(view)
        for _ in range(2):
            if view.ndim:
                backwards, same = program(view)
                equal(backwards, view[::-1])
            else:
                same = hotloop.evaluate("+x", x=view)
            equal(same, view)
            assert same.dtype == x.dtype.newbyteorder("=")


def test_swapped_outputs():
    y = np.zeros(3, ">f8")
    for _ in range(2):
        hotloop.evaluate("x + 1", x=np.arange(3.0), out=y)
        equal(y, [1, 2, 3])


def test_bools_of_any_byte():
    x = np.frombuffer(bytes([0, 1, 2, 255]), "?")
    equal(hotloop.evaluate("x & True", x=x), [False, True, True, True])


def test_python_numbers_are_weak_and_numpy_scalars_are_not():
    program = hotloop.compile("x * k")
    x = np.ones(3, "f4")
    for _ in range(2):
        assert program(x, 2.5).dtype == "f4"
        assert program(x, 2).dtype == "f4"
        assert program(x, np.float64(2.5)).dtype == "f8"
        assert program(x, np.array(2.5)).dtype == "f8"
        assert program(np.ones(3, "i1"), 2).dtype == "i1"
        assert program(np.ones(3, "i1"), np.int16(2)).dtype == "i2"
        assert program(np.ones(3, "i1"), True).dtype == "i1"
    for k in (1.5, -2.0, 0.0, float("inf")):
        equal(program(x, k), x * np.float32(k))
    with pytest.raises(TypeError, match="300"):
        program(np.ones(3, "u1"), 300)
    equal(program(np.ones(3, "u1"), 200), [200] * 3)
    with pytest.raises(OverflowError, match="64 bits"):
        program(x, 2**70)
    with pytest.raises(OverflowError):
        program(x, -(2**63) - 1)
    equal(hotloop.evaluate("x + k", x=np.zeros(2, "i8"), k=-(2**63)), [-(2**63)] * 2)

    class Colour(enum.IntEnum):
        RED = 3

    equal(program(x, Colour.RED), [3, 3, 3])
    assert program(x, Colour.RED).dtype == "f4"


@pytest.mark.parametrize(
    "value, words",
    [
        (np.array([1, None]), "objects"),
        (np.array(["a", "b"]), "text"),
        (np.array([b"a"]), "text"),
        (np.array(["2020-01-01"], "M8[D]"), "view"),
        (np.array([1], "m8[s]"), "view"),
        (np.ones(2, "c16"), "x.real"),
        (np.ones(2, "f2"), "astype"),
        (np.ones(2, "g"), "astype"),
        (np.zeros(2, [("p", "f8")]), "fields"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "masked"),
        (1 + 2j, "complex"),
        (None, "NoneType"),
        ("text", "str"),
        ({}, "dict"),
        (object(), "object"),
        (decimal.Decimal(1), "Decimal"),
        (lambda: 1, "function"),
    ],
)
def test_what_is_no_input(value, words):
    with pytest.raises(TypeError, match=words) as caught:
        hotloop.compile("x + 1")(value)
    assert "x" in str(caught.value)


def test_lists():
    equal(hotloop.evaluate("x + 1", x=[1, 2, 3]), [2, 3, 4])
    with pytest.raises(ValueError, match="list"):
        hotloop.evaluate("x + 1", x=[[1], [1, 2]])


def test_errors_of_array_protocols_propagate():
    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("no array today")

    with pytest.raises(RuntimeError, match="no array today"):
        hotloop.evaluate("x + 1", x=Broken())


def test_the_buffer_protocol_and_array_interface():
    program = hotloop.compile("x * 2")
    equal(program(array.array("d", [1, 2])), [2, 4])
    equal(program(memoryview(array.array("i", [1, 2]))[::-1]), [4, 2])
    equal(program(bytearray(b"\1\2")), [2, 4])
    with mmap.mmap(-1, 16) as memory:
        memory[:2] = b"\3\4"
        x = np.frombuffer(memory, "u1", 2)
        equal(program(x), [6, 8])
        del x

    class Foreign:
        def __init__(self, own):
            self.own = own
            self.__array_interface__ = own.__array_interface__

    equal(program(Foreign(np.arange(4.0)[::2])), [0, 4])


def test_dlpack():
    class Tensor:
        def __init__(self, own, device=(1, 0)):
            self.own, self.device = own, device

        def __dlpack__(self, **named):
            return self.own.__dlpack__(**named)

        def __dlpack_device__(self):
            return self.device

    own = np.arange(6.0).reshape(2, 3)
    equal(hotloop.evaluate("x + 1", x=Tensor(own)), own + 1)
    with pytest.raises(TypeError, match="on a device"):
        hotloop.evaluate("x + 1", x=Tensor(own, (2, 0)))

    class OnDevice:
        __cuda_array_interface__ = {}

    with pytest.raises(TypeError, match="on a device"):
        hotloop.evaluate("x + 1", x=OnDevice())


def test_memmaps_and_subclasses(tmp_path):
    x = np.memmap(tmp_path / "x.bin", "f8", "w+", shape=(5,))
    x[:] = range(5)
    equal(hotloop.evaluate("x + 1", x=x), [1, 2, 3, 4, 5])
    assert type(hotloop.evaluate("x + 1", x=x)) is np.ndarray
    assert hotloop.evaluate("x * 10", x=x, out=x) is x
    equal(np.fromfile(tmp_path / "x.bin"), [0, 10, 20, 30, 40])

    class Own(np.ndarray):
        pass

    equal(hotloop.evaluate("x + 1", x=np.arange(3.0).view(Own)), [1, 2, 3])


def test_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0, 4.0], "n": [1, 2, 3], "text": ["x", "y", "z"]})
    equal(hotloop.evaluate("a / n", a=frame["a"], n=frame["n"]), [1, 1, 4 / 3])
    equal(hotloop.evaluate("sum(a, axis=0)", a=frame[["a", "n"]]), [7, 6])
    with pytest.raises(TypeError, match="text"):
        hotloop.evaluate("text + 1", text=frame["text"])
    with pytest.raises(TypeError, match="n"):
        hotloop.evaluate("n + 1", n=pandas.Series([1, None], dtype="Int64").astype(object))


def test_polars():
    polars = pytest.importorskip("polars")
    series = polars.Series("a", [1.0, 2.0, 4.0])
    equal(hotloop.evaluate("a * 2", a=series), [2, 4, 8])
    with pytest.raises(TypeError, match="fill_null"):
        hotloop.evaluate("a * 2", a=polars.Series("a", [1.0, None]))


def test_shapes_without_elements_and_too_many_axes():
    program = hotloop.compile("x + 1")
    for shape in ((0,), (0, 3), (3, 0, 2)):
        assert program(np.ones(shape)).shape == shape
    equal(hotloop.evaluate("sum(x, axis=0)", x=np.ones((0, 3))), [0, 0, 0])
    with pytest.raises(ValueError, match="empty"):
        hotloop.evaluate("min(x)", x=np.ones(0))
    equal(program(np.ones((1,) * 60)), np.full((1,) * 60, 2.0))
    huge = np.lib.stride_tricks.as_strided(np.ones(1), (2**40, 2**19), (0, 0))
    with pytest.raises((MemoryError, ValueError)):
        program(huge)


def test_memory_runs_out():
    x = np.broadcast_to(1.0, (2**45,))
    with pytest.raises(MemoryError):
        hotloop.evaluate("x + 1", x=x)
