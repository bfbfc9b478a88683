"""`hotloop.jit`: traced functions have NumPy's results, or raise with the line."""

import math
import pickle
from typing import NamedTuple

import hotloop
import numpy as np
import pytest

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(6, 5)), RNG.normal(size=(6, 5))
N = RNG.integers(-9, 9, (6, 5))


def near(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-300)
    assert np.shape(a) == np.shape(b)


FUNCTIONS = [
    lambda x, y: np.sin(x) ** 2 + np.cos(y) ** 2,
    lambda x, y: np.where(x > 0, x, -y) * 2,
    lambda x, y: np.clip(x, -1, 1) + y.clip(0, None),
    lambda x, y: (x - x.mean(axis=0)) / x.std(axis=0),
    lambda x, y: (x + x.mean(axis=1, keepdims=True)).sum() + 100,
    lambda x, y: np.exp(x - np.max(x, axis=-1, keepdims=True)),
    lambda x, y: x[1:, ::2] - x[:-1, ::2],
    lambda x, y: x[..., None, 0] + y.T[0][:, None],
    lambda x, y: x[::-1, -1] + np.expand_dims(y[0, 0], 0),
    lambda x, y: np.add.reduce(x, axis=1) + np.cumsum(y, axis=0)[-1, 0],
    lambda x, y: np.hypot(x, y) + np.arctan2(x, y) - np.logaddexp(x, y),
    lambda x, y: (x > y) & ~(x < 0) | (y == 0),
    lambda x, y: x.astype(np.float32) + np.float32(1),
    lambda x, y: x.astype("i8") // 2 + y.astype(int) % 3,
    lambda x, y: 2 - x / 3 + (-y) ** 2 + abs(x),
    lambda x, y: np.diff(x, axis=0) + np.diff(y[:, :], axis=0),
    lambda x, y: np.maximum(x, 0.0) + np.minimum(0.0, y) + np.square(x) + np.sqrt(abs(y)),
    lambda x, y: x.T @ y if False else np.dot(x[0], y[0]),
    lambda x, y: np.ones_like(x) * 3 + np.full_like(y, 2.5) + np.zeros_like(x),
    lambda x, y: np.isfinite(x) * 1.5 + np.isnan(y),
    lambda x, y: np.sum(x, axis=(0, 1), where=y > 0) + np.prod(x, 0).max(),
    lambda x, y: np.round(x, 2) + x.round(),
    lambda x, y: np.log1p(np.abs(x)) * math.pi + float("inf") * 0 * (x > 9),
    lambda x, y: divmod(x, 0.75)[0] + np.modf(y)[0],
    lambda x, y: x.var(ddof=1) + np.std(y, ddof=1, axis=0),
    lambda x, y: np.argmin(x, axis=1) + x.argmax() - np.count_nonzero(y > 0),
    lambda x, y: x.transpose(1, 0)[:, 0] + np.swapaxes(y, 0, 1)[:, 1],
]


@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
def test_the_results_are_numpys(number):
    function = FUNCTIONS[number]
    jitted = hotloop.jit(function)
    with np.errstate(all="ignore"):
        want = function(X, Y)
    for _ in range(2):
        got = jitted(X, Y)
        near(got, want)
        assert got.dtype == want.dtype


def test_integers_and_narrow_floats_keep_their_dtypes():
    @hotloop.jit
    def f(n, x):
        return n * 2 + 1, x * 0.5, n + x, n.astype("f4") / 3

    for n, x in ((N, X), (N.astype("i2"), X.astype("f4")), (N.astype("u1"), X)):
        for got, want in zip(f(n, x), (n * 2 + 1, x * 0.5, n + x, n.astype("f4") / 3)):
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=1e-6)
    assert f(N[0, 0], 2.0)[0] == N[0, 0] * 2 + 1


def test_results_have_the_structure_of_the_function():
    class Both(NamedTuple):
        low: object
        rest: object

    @hotloop.jit
    def f(x):
        low = x.min()
        return {"a": x + 1, "b": [low, (low, 3)], "c": None}, Both(x, "text")

    first, second = f(X)
    near(first["a"], X + 1)
    assert isinstance(first["b"], list) and first["b"][0] == X.min() == first["b"][1][0]
    assert first["b"][1][1] == 3 and first["c"] is None
    assert type(second) is Both and second.rest == "text"
    near(second.low, X)
    assert hotloop.jit(lambda x: 3)(X) == 3


def test_it_is_traced_once_for_dtypes_and_ranks():
    calls = []

    @hotloop.jit
    def f(x, k):
        calls.append((x.dtype, x.ndim))
        return x * k

    for n in range(1, 9):
        near(f(np.ones(n), float(n)), np.full(n, float(n)))
        near(f(k=3, x=np.ones((n, 2))), np.full((n, 2), 3.0))
    assert len(calls) == 2
    f(np.ones(3, "f4"), 1.0)
    assert len(calls) == 3 and calls[-1] == (np.dtype("f4"), 1)


def test_constants_of_a_call():
    @hotloop.jit(static="axis")
    def f(x, axis, squared=False, *more, scale=1.0, **rest):
        y = x.sum(axis=axis) * scale
        if squared:
            y = y**2
        for value in more:
            y = y + value
        return y + sum(rest.values())

    near(f(X, 0), X.sum(axis=0))
    near(f(X, 1, True), X.sum(axis=1) ** 2)
    near(f(X, (0, 1), True, 1, 2, scale=2.0, z=3), (2 * X.sum()) ** 2 + 6)
    with pytest.raises(TypeError, match="static"):
        hotloop.jit(lambda x, axis: x.sum(axis=axis))(X, 0)


def test_arrays_of_the_surroundings_are_inputs():
    weights = np.arange(5.0)
    f = hotloop.jit(lambda x: x * weights + weights)
    near(f(X), X * weights + weights)
    weights[:] = 1
    near(f(X), X + 1)
    assert f.program(X).inputs == ("x", "captured0")


def branch_on_a_value(x):
    if x > 0:
        return x
    return -x


@pytest.mark.parametrize(
    "function, words",
    [
        (branch_on_a_value, "np.where"),
        (lambda x: 0 < x < 1, "np.where"),
        (lambda x: x if x.any() else -x, "np.where"),
        (lambda x: max(x, 1), "np.where"),
        (lambda x: x and 1, "np.where"),
        (lambda x: not x, "np.where"),
        (lambda x: float(x), "value"),
        (lambda x: math.sin(x), "value"),
        (lambda x: range(x), "value"),
        (lambda x: x[x > 0], "masks"),
        (lambda x: x[np.array([0, 1])], "masks"),
        (lambda x: x[[0, 1]], "masks"),
        (lambda x: [v for v in x], "iterated"),
        (lambda x: len(x), "lengths"),
        (lambda x: x.shape, "shapes"),
        (lambda x: x.reshape(-1), "reshape"),
        (lambda x: np.sort(x), "sort"),
        (lambda x: np.linalg.norm(x), "cannot be traced|takes an array|no attribute"),
        (lambda x: np.concatenate([x, x]), "concatenate"),
        (lambda x: x @ x.T, "matmul"),
        (lambda x: np.dot(x, x), "matrices"),
        (lambda x: np.cumsum(x), "flattens"),
        (lambda x: x + None, "NoneType"),
        (lambda x: x + "a", "str"),
        (lambda x: x + 1j, "complex"),
        (lambda x: x.astype("c16"), "complex"),
        (lambda x: np.asarray(x), "takes an array"),
        (lambda x: 3 in x, "elements"),
        (lambda x: np.add.outer(x, x), "outer"),
        (lambda x: np.where(x > 0), "two values"),
        (lambda x: x & 1, "bitwise_and|not supported"),
        (lambda x: np.add(x, 1, where=x > 0), "where"),
    ],
)
def test_what_cannot_be_traced_names_the_line(function, words):
    with pytest.raises(hotloop.TraceError, match=words) as caught:
        hotloop.jit(function)(X)
    line = function.__code__.co_firstlineno
    places = [f"test_jit.py:{line + i}" for i in range(3)]
    assert any(place in str(caught.value) for place in places), caught.value


def test_assignments_in_place():
    @hotloop.jit
    def f(x):
        y = x * 2
        z = y
        y += 1
        y *= x
        return y, z

    y, z = f(X)
    near(y, (X * 2 + 1) * X)
    near(z, y)

    def to_an_argument(x):
        x += 1
        return x

    def to_an_element(x):
        y = x * 1
        y[0] = 3
        return y

    def to_a_view(x):
        y = x * 1
        view = y[1:]
        view += 1
        return y

    def behind_a_view(x):
        y = x * 1
        view = y[1:]
        y += 1
        return view

    def to_another_kind(x):
        y = x > 0
        y += 1.5
        return y

    for function in (to_an_argument, to_an_element, to_a_view, behind_a_view, to_another_kind):
        with pytest.raises(hotloop.TraceError):
            hotloop.jit(function)(X)


def test_values_do_not_leave_a_trace():
    kept = []

    def keep(x):
        kept.append(x)
        return x + 1

    def use(x):
        return x + kept[0]

    hotloop.jit(keep)(X)
    with pytest.raises(hotloop.TraceError, match="another call"):
        hotloop.jit(use)(X)


@hotloop.jit
def at_module_level(x):
    """Doubles."""
    return x * 2


def test_it_is_a_function():
    assert at_module_level.__doc__ == "Doubles." and at_module_level.__name__ == "at_module_level"
    assert pickle.loads(pickle.dumps(at_module_level)) is at_module_level

    class Model:
        k = 3.0

        @hotloop.jit
        def scaled(self, x):
            return x * self.k

    with pytest.raises(TypeError):
        Model().scaled(X)
    # The program can be looked at.
    assert at_module_level.program(X).text == "t1 = x * 2\nt1"
    assert "f64" in at_module_level.program(X).explain()


def test_names_that_the_language_has():
    near(hotloop.jit(lambda pi, t1, out, inf: pi + t1 * out - inf)(X, Y, X, Y), X + Y * X - Y)


def test_numbers():
    for k in (2.5, -1.0, float("inf"), 2**62, -3, 0.1, 1e-300, True):
        with np.errstate(all="ignore"):
            near(hotloop.jit(lambda x: x * k + 1)(X), X * k + 1)
    assert math.isnan(hotloop.jit(lambda x: x * float("nan"))(X)[0, 0])
    assert hotloop.jit(lambda x: x * np.float64(2))(X.astype("f4")).dtype == "f8"
    assert hotloop.jit(lambda x: x * 2.0)(X.astype("f4")).dtype == "f4"


def test_black_scholes():
    def price(s, k, t, r, v):
        d1 = (np.log(s / k) + (r + v * v / 2) * t) / (v * np.sqrt(t))
        d2 = d1 - v * np.sqrt(t)

        def cdf(x):
            return 1 / (1 + np.exp(-1.702 * x))

        return s * cdf(d1) - k * np.exp(-r * t) * cdf(d2)

    s, k = RNG.uniform(50, 150, 1000), RNG.uniform(50, 150, 1000)
    t = RNG.uniform(0.1, 2, 1000)
    np.testing.assert_allclose(hotloop.jit(price)(s, k, t, 0.03, 0.2), price(s, k, t, 0.03, 0.2), rtol=1e-10)


def test_the_engine_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": X[:, 0], "b": N[:, 0], "text": list("abcdef")}, index=range(10, 16))

    def row(r, k=2):
        return np.where(r["a"] > 0, r["a"] * k + r.b, -1.0)

    got = frame.apply(row, axis=1, engine=hotloop.jit)
    pandas.testing.assert_series_equal(got, frame.apply(row, axis=1).astype(float))
    got = frame.apply(row, axis=1, engine=hotloop.jit, k=3)
    assert got.iloc[0] == float(row(frame.iloc[0], 3))
    got = frame["a"].map(lambda v: v * 2 + 1, engine=hotloop.jit)
    pandas.testing.assert_series_equal(got, frame["a"] * 2 + 1)
    numbers = frame[["a", "b"]]
    got = numbers.apply(lambda c: c.max() - c.min(), engine=hotloop.jit)
    assert got["a"] == np.ptp(X[:, 0]) and got["b"] == np.ptp(N[:, 0])
    # A function of one element must not become one of the whole column.
    for function in (lambda r: r["a"] - np.max(r["a"]), lambda r: r["a"][0], lambda r: r["a"].sum()):
        with pytest.raises(hotloop.TraceError, match="single elements"):
            frame.apply(function, axis=1, engine=hotloop.jit)
    with pytest.raises(KeyError, match="text"):
        frame.apply(lambda r: r["text"], axis=1, engine=hotloop.jit)


def test_a_traced_function_calls_another():
    inner = hotloop.jit(lambda x, k=2.0: x * k)
    outer = hotloop.jit(lambda x: inner(x) + inner(x, 3) + inner(k=4.0, x=x))
    near(outer(X), X * 9)
    assert outer.program(X).inputs == ("x",)


def test_constants_of_equal_value_are_not_mixed_up():
    f = hotloop.jit(lambda x, k: x * k if isinstance(k, bool) else x + k, static="k")
    for k in (1, True, 1.0, False, 0):
        near(f(X, k), X * k if isinstance(k, bool) else X + k)
