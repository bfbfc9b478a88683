"""Programs in Dask's graphs: the same values as Dask's own, from fewer and faster tasks."""

import hotloop
import numpy as np
import pytest

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

import hotloop.dask  # noqa: E402

RNG = np.random.default_rng(6)
X, Y = RNG.normal(size=(40, 30)), RNG.uniform(1, 2, (40, 30))


@pytest.fixture(autouse=True)
def with_one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def test_programs_are_functions_of_blocks():
    x, y = da.from_array(X, chunks=(7, 11)), da.from_array(Y, chunks=(7, 11))
    program = hotloop.compile("exp(-x * y) + k")
    got = da.map_blocks(program, x, y, k=2.0)
    assert got.dtype == "f8" and got.shape == X.shape
    np.testing.assert_array_equal(got.compute(), program(X, Y, 2.0))
    assert dask.base.tokenize(program) == dask.base.tokenize(hotloop.compile(program.text))
    assert dask.base.tokenize(program) != dask.base.tokenize(hotloop.compile("x"))


def count_programs(monkeypatch):
    from hotloop import _jit

    count = []
    plain = _jit._Traced.__call__
    monkeypatch.setattr(
        _jit._Traced, "__call__", lambda self, arrays: count.append(self.program.text) or plain(self, arrays)
    )
    return count


CASES = [
    lambda x, y: da.cos(x) ** 2 + da.sin(x) ** 2,
    lambda x, y: (da.cos(x) ** 2 + da.sin(y) ** 2).mean(),
    lambda x, y: (da.exp(-x) * y - 1).sum(axis=0) / da.sqrt(y).max(),
    lambda x, y: da.where(x > 0, x * 2 + 1, -y / 3),
    lambda x, y: (x - x.mean(axis=0)) / x.std(axis=0),
    lambda x, y: (x + y[0] * 2)[5:, ::2] * 3 - 1,
    lambda x, y: (x + y).T * 2 - da.arctan2(x.T, y.T),
    lambda x, y: (abs(x) > 1) & (y < 1.5) | (x == 0),
    lambda x, y: ((x * 100).astype("i4") // 3 % 7 << 1) - 2,
    lambda x, y: x.map_blocks(np.sort) * 2 + 1,
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_existing_code_has_the_same_values(number, monkeypatch):
    x, y = da.from_array(X, chunks=(16, 30)), da.from_array(Y, chunks=(16, 30))
    want = CASES[number](x, y).compute()
    programs = count_programs(monkeypatch)
    with dask.config.set(array_optimize=hotloop.dask.optimize):
        got = CASES[number](x, y).compute()
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    assert got.dtype == want.dtype and got.shape == want.shape
    assert programs, "no program was run"


def test_what_programs_do_not_take_is_left_to_dask(monkeypatch):
    programs = count_programs(monkeypatch)
    x = da.from_array(X, chunks=(16, 30))
    with dask.config.set(array_optimize=hotloop.dask.optimize):
        np.testing.assert_allclose((x * 1j + 2).compute(), X * 1j + 2)
        objects = da.from_array(np.array([1, 2], object), chunks=1)
        assert list((objects * 2 + 1).compute()) == [3, 5]
        calls = []
        x.map_blocks(lambda b: calls.append(type(b)) or b, dtype="f8", meta=np.empty((0, 0))).compute()
        assert set(calls) == {np.ndarray}
    assert programs == []


def test_random_blocks_are_not_constants():
    with dask.config.set(array_optimize=hotloop.dask.optimize):
        x = da.random.default_rng(3).normal(size=(1000,), chunks=100)
        y = (x * 2 + 1 - x).compute()
    assert len(np.unique(y)) == 1000


def test_xarray():
    xarray = pytest.importorskip("xarray")
    program = hotloop.compile("sin(a) * b + 1")
    a = xarray.DataArray(X, dims=("t", "s"))
    b = xarray.DataArray(Y[0], dims="s")
    got = xarray.apply_ufunc(program, a, b)
    assert got.dims == ("t", "s")
    np.testing.assert_array_equal(got.values, program(X, Y[0]))
    lazy = xarray.apply_ufunc(program, a.chunk({"t": 10}), b, dask="parallelized", output_dtypes=["f8"])
    np.testing.assert_array_equal(lazy.compute().values, program(X, Y[0]))
    np.testing.assert_array_equal(hotloop.evaluate("a * 2", a=a), X * 2)


WINDOWS = [
    ("rolling_mean(x, 5) - shift(x, 3)", 0),
    ("rolling_std(x, 7, axis=1) * y", 1),
    ("diff(rolling_max(x, 4, axis=0), axis=0) + rolling_corr(x, y, 6, axis=0)", 0),
    ("rolling_median(x - mean(x, axis=1, keepdims=True), 3, axis=0)", 0),
    ("x * y + k", 1),
]


@pytest.mark.parametrize("text, axis", WINDOWS)
def test_windows_have_the_bits_of_one_call(text, axis):
    program = hotloop.compile(text.replace("x, 5)", "x, 5, axis=0)").replace("x, 3)", "x, 3, axis=0)"))
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(2, 60, 60))
    x[rng.random(x.shape) < 0.02] = np.nan
    want = program(**{"x": x, "y": y, "k": 2.0})
    for chunks in ((60, 60), (13, 17), (1, 2), ((30, 1, 29), (59, 1))):
        arrays = {"x": da.from_array(x, chunks=chunks), "y": da.from_array(y, chunks=chunks), "k": 2.0}
        got = hotloop.dask.map_overlap(program, axis=axis, **{name: arrays[name] for name in program.inputs})
        assert got.dtype == want.dtype and got.shape == want.shape
        np.testing.assert_array_equal(got.compute(), want)


def test_windows_of_one_axis():
    x = np.random.default_rng(8).normal(size=1000)
    lazy = da.from_array(x, chunks=101)
    program = hotloop.compile("ewm = rolling_mean(x, 250); x / ewm - k")
    got = hotloop.dask.map_overlap(program, lazy, 1, axis=-1)
    np.testing.assert_array_equal(got.compute(), program(x, 1))
    assert dask.base.tokenize(got) == dask.base.tokenize(hotloop.dask.map_overlap(program, lazy, 1))
    assert got.name != hotloop.dask.map_overlap(program, lazy, 2).name


def test_windows_that_cannot_be_computed_in_blocks():
    x = da.ones((20, 3), chunks=5)
    for text, error, message in [
        ("cumsum(x, axis=0)", ValueError, "depends on all earlier rows"),
        ("ewm_mean(x, span=3, axis=0)", ValueError, "depends on all earlier rows"),
        ("shift(x, -1, axis=0)", TypeError, "later rows"),
        ("x - mean(x)", TypeError, "all rows"),
        ("rolling_mean(x, 3, axis=1)", TypeError, "goes along axis 1"),
        ("mean(x, axis=1)", ValueError, "must have the shape of the arrays"),
        ("x, x", TypeError, "one output"),
        ("x + y", KeyError, "missing argument 'y'"),
    ]:
        with pytest.raises(error, match=message):
            hotloop.dask.map_overlap(hotloop.compile(text), x)
    with pytest.raises(ValueError, match="arrays of one shape"):
        hotloop.dask.map_overlap(hotloop.compile("x + y"), x, x[0])
    with pytest.raises(ValueError, match="no axis 2"):
        hotloop.dask.map_overlap(hotloop.compile("x"), x, axis=2)
    with pytest.raises(TypeError, match="given twice"):
        hotloop.dask.map_overlap(hotloop.compile("x"), x, x=x)
