"""Streams: the same bits as one call with all rows, whatever the batches; states that survive errors."""

import copy
import itertools
import pickle
import signal
import threading
import time

import hotloop
import numpy as np
import pytest

SEED = np.random.SeedSequence().entropy


@pytest.fixture
def rng():
    print(f"seed {SEED}")
    return np.random.default_rng(SEED)


def same(got, want):
    """The same dtype, shape and bits; NaNs are equal."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got[got == 0]), np.signbit(want[want == 0]))


def cuts(rng, n):
    """Random batches of n rows: few or many, some of them empty."""
    count = int(rng.integers(0, min(n, 12) + 1))
    places = np.sort(rng.integers(0, n + 1, count))
    return itertools.pairwise([0, *map(int, places), n])


PROGRAMS = [
    "rolling_mean(x, 7)",
    "cumsum(x) - shift(x, 3, fill=0)",
    "ewm_mean(x, span=5); rolling_std(x, 4)",
    "rolling_median(x, 5) + expanding_mean(x)",
    "rolling_max(x, 100), x * 2",
]


@pytest.mark.parametrize("text", PROGRAMS)
def test_batches_have_the_bits_of_one_call(text, rng):
    text = text.replace(";", ",")
    program = hotloop.compile(text)
    for _ in range(10):
        n = int(rng.integers(1, 400))
        x = rng.normal(size=n)
        x[rng.random(n) < 0.05] = np.nan
        want = program(x)
        stream = program.stream()
        parts = [stream.push(x[i:j]) for i, j in cuts(rng, n)]
        assert stream.rows == n
        if isinstance(want, tuple):
            for i, whole in enumerate(want):
                same(np.concatenate([part[i] for part in parts]), whole)
        else:
            same(np.concatenate(parts), want)


@pytest.mark.parametrize("text", PROGRAMS)
def test_single_rows_are_batches_without_the_axis(text, rng):
    program = hotloop.compile(text.replace(";", ","))
    x = rng.normal(size=60)
    want = program(x)
    stream = program.stream()
    rows = [stream.push(float(v)) for v in x[:20]]
    rows += [stream.push(v) for v in x[20:40]]
    rows += [stream.push(np.array(v)) for v in x[40:]]
    if isinstance(want, tuple):
        assert all(type(v) is np.float64 for row in rows for v in row)
        for i, whole in enumerate(want):
            same(np.array([row[i] for row in rows]), whole)
    else:
        assert all(type(row) is np.float64 for row in rows)
        same(np.array(rows), want)


def test_matrices_and_their_rows(rng):
    program = hotloop.compile("d = diff(p, axis=0); d - mean(d, axis=1, keepdims=True)")
    p = rng.normal(size=(50, 3))
    want = program(p)
    stream = program.stream()
    parts = [stream.push(p[i:j]) for i, j in cuts(rng, 30)]
    same(np.concatenate(parts), want[:30])
    out = np.empty(3)
    for t in range(30, 50):
        row = stream.push(p[t]) if t % 2 else stream.push(p=p[t], out=out)
        assert row.shape == (3,)
        same(row, want[t])
    assert stream.rows == 50


def test_rows_along_the_last_axis(rng):
    program = hotloop.compile("rolling_mean(x, 4) * w")
    x, w = rng.normal(size=(3, 40)), rng.normal(size=(3, 1))
    want = program(x, np.broadcast_to(w, x.shape))
    stream = hotloop.compile("rolling_mean(x, 4)").stream(axis=-1)
    parts = [stream.push(np.asfortranarray(x[:, i:j])) for i, j in cuts(rng, 40)]
    same(np.concatenate(parts, axis=1) * w, want)
    assert stream.axis == -1


def test_what_is_the_same_in_each_row(rng):
    # With the axis -2, a vector beside a matrix.
    program = hotloop.compile("cumsum(x * w, axis=0) * k")
    x, w = rng.normal(size=(20, 3)), rng.normal(size=3)
    want = program(x, w, 2.0)
    stream = program.stream(axis=-2)
    same(stream.push(x[:7], w, 2.0), want[:7])
    same(stream.push(x[7], w, 2.0), want[7])
    same(stream.push(x[8:], w=w, k=2), want[8:])


@pytest.mark.parametrize("dtype", ["f4", "i2", "u8", ">f8", "?"])
def test_dtypes(dtype, rng):
    program = hotloop.compile("shift(x, 2)")
    x = (rng.normal(size=30) * 3).astype(dtype) if dtype != "u8" else rng.integers(0, 9, 30, dtype="u8")
    want = program(x)
    stream = program.stream(x[:0])
    got = [stream.push(x[:11]), *(stream.push(v)[None] for v in x[11:15]), stream.push(x[15:])]
    same(np.concatenate(got), want)


def test_numbers_take_the_dtype_of_the_stream():
    stream = hotloop.compile("shift(x, 1, fill=0)").stream(np.empty(0, "f4"))
    assert stream.push(0.1) == 0 and stream.push(2).dtype == "f4"
    assert stream.push(3.0) == 2
    integers = hotloop.compile("cumsum(x)").stream(np.empty(0, "i1"))
    assert integers.push(100) == 100
    with pytest.raises(OverflowError, match="x is 200, which i8 does not have"):
        integers.push(200)
    with pytest.raises(TypeError, match="x is a float, but the stream takes i8"):
        integers.push(1.0)
    with pytest.raises(TypeError, match="'x' is f64, but the stream takes i8"):
        integers.push(np.float64(1))
    assert integers.push(-1) == 99 and integers.rows == 2


def test_the_first_push_of_numbers_is_a_row():
    stream = hotloop.compile("cumsum(x) + y").stream()
    assert stream.push(1, 0.5) == 1.5
    assert stream.push(2, 0.25) == 3.25
    same(stream.push(np.array([1, 2]), np.array([0.0, 1.0])), np.array([4.0, 7.0]))


def test_out_and_in_place(rng):
    program = hotloop.compile("rolling_mean(x, 5)")
    x = rng.normal(size=300)
    want = program(x)
    stream, own = program.stream(), x.copy()
    wide = np.zeros(200)
    assert stream.push(own[:100], out=own[:100]) is not None
    same(own[:100], want[:100])
    out = wide[::2]
    assert stream.push(x[100:200], out=out) is out
    same(out, want[100:200])
    # What overlaps is as if it had been copied before.
    stream.push(own[200:299], out=own[201:300])
    same(own[201:300], want[200:299])
    several = hotloop.compile("a = cumsum(x); b = -x; a, b").stream()
    a = np.empty(3)
    got = several.push(np.ones(3), out={"a": a})
    assert got.a is a
    same(a, np.array([1.0, 2.0, 3.0]))
    same(got.b, -np.ones(3))


def test_long_pushes_are_run_in_parts(rng):
    # Above a million elements.
    program = hotloop.compile("rolling_mean(x, 9) + cumsum(y)")
    x, y = rng.normal(size=(2, 1_300_001))
    want = program(x, y)
    stream = program.stream()
    same(stream.push(x[:10], y[:10]), want[:10])
    out = np.empty(1_299_991)
    assert stream.push(x[10:], y[10:], out=out) is out
    same(out, want[10:])
    fresh = program.stream()
    same(fresh.push(x, y), want)
    matrix = x[:1_200_000].reshape(-1, 3)
    columns = hotloop.compile("cumsum(x, axis=0)")
    same(columns.stream().push(matrix), columns(matrix))


def by_key(program, keys, *arrays):
    """The result of a call for the rows of each key."""
    out = None
    for key in set(keys.tolist()):
        at = keys == key
        part = program(*(array[at] for array in arrays))
        out = np.empty(len(keys), part.dtype) if out is None else out
        out[at] = part
    return out


KEYS = {
    "integers": lambda names: names,
    "narrow": lambda names: names.astype("u2"),
    "bytes": lambda names: np.array([b"k%d" % n for n in names], "S4"),
    "strings": lambda names: np.array([f"ключ{n}" for n in names]),
    "objects": lambda names: np.array([f"k{n}" for n in names], object),
    "list": lambda names: [f"k{n}" for n in names],
    "integers of a list": lambda names: names.tolist(),
}


@pytest.mark.parametrize("kind", KEYS)
def test_each_key_has_a_state(kind, rng):
    program = hotloop.compile("rolling_mean(x, 3) - shift(x, 1)")
    names, x = rng.integers(0, 9, 200), rng.normal(size=200)
    want = by_key(program, names, x)
    stream, parts = program.stream(), []
    for i, j in cuts(rng, 200):
        parts.append(stream.push_keyed(KEYS[kind](names[i:j]), x[i:j]))
    same(np.concatenate(parts), want)
    assert stream.keys == len(set(names.tolist())) and stream.rows == 200


def test_keyed_rows_and_columns(rng):
    program = hotloop.compile("cumsum(x, axis=0)")
    names, x = rng.integers(0, 3, 40), rng.normal(size=(40, 2))
    want = np.empty_like(x)
    for name in range(3):
        want[names == name] = program(x[names == name])
    stream = program.stream(np.empty((0, 2)))
    same(stream.push_keyed(f"{names[0]}", x[0]), want[0])
    same(stream.push_keyed(np.str_(names[1]), x[1]), want[1])
    out, row = np.empty((40, 4))[2:30, ::2], np.empty(2)
    got = stream.push_keyed([str(n) for n in names[2:30]], x[2:30], out=out)
    assert got is out
    same(out, want[2:30])
    assert stream.push_keyed(str(names[30]), x[30], out=row) is row
    same(row, want[30])
    same(stream.push_keyed([str(n).encode() for n in names[31:]], x[31:]), want[31:])
    assert stream.keys == len(set(names.tolist()))


def test_long_keyed_pushes_are_run_in_parts(rng):
    program = hotloop.compile("cumsum(x)")
    # The last part is of one row.
    n = 2 * 65_536 + 1
    names, x = rng.integers(0, 5, n), rng.normal(size=n)
    want = by_key(program, names, x)
    same(program.stream().push_keyed(names, x), want)
    stream, out = program.stream(), np.empty(2 * n)[::2]
    stream.push_keyed(names.astype("S1"), x, out=out)
    same(out, want)
    big = np.empty(n, ">f8")
    program.stream().push_keyed(names, x, out=big)
    np.testing.assert_array_equal(big, want)


def test_columns_of_frames(rng):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    program = hotloop.compile("diff(price)")
    names, price = rng.choice(["A", "B", "C"], 50), rng.normal(size=50)
    want = by_key(program, names, price)
    columns = {"symbol": names, "price": price, "unread": price}
    frame = pandas.DataFrame(columns)
    same(program.stream().push_keyed(frame.symbol, frame.price), want)
    same(program.stream().push_keyed(frame.symbol.astype("category"), **frame[["price", "unread"]]), want)
    frame = polars.DataFrame(columns)
    same(program.stream().push_keyed(frame["symbol"], frame["price"]), want)
    same(program.stream().push(frame["price"][:20]), program(price[:20]))


@pytest.mark.parametrize(
    "keys, error",
    [
        ([1.5, 2.5], TypeError),
        (["a", None], TypeError),
        (["a", 1], TypeError),
        (np.array(["2020-01-01", "2020-01-02"], "M8[s]"), TypeError),
        ([[1, 2]], TypeError),
        (np.array([[1, 2]]), ValueError),
        ([1, "a"], TypeError),
        ([1], ValueError),
        ([1, 2, 3], ValueError),
        ("a", ValueError),
        ([2**63, 1], OverflowError),
        (np.array([2**63, 1], "u8"), OverflowError),
        (["\ud800", "a"], UnicodeEncodeError),
        (None, TypeError),
    ],
)
def test_wrong_keys(keys, error):
    stream = hotloop.compile("cumsum(x)").stream()
    stream.push_keyed([1, 2], np.ones(2))
    with pytest.raises(error):
        stream.push_keyed(keys, np.ones(2))
    assert (stream.rows, stream.keys) == (2, 2)
    same(stream.push_keyed([1, 2], np.ones(2)), np.array([2.0, 2.0]))


def test_a_failed_push_leaves_the_state():
    program = hotloop.compile("cumsum(x) + y")
    stream = program.stream()
    assert stream.push(1.0, 0.0) == 1
    one, two = np.ones(1), np.ones(2)
    for args, kwargs, error in [
        ((one,), {}, KeyError),
        ((one, one, one), {}, TypeError),
        ((one, one), {"x": one}, TypeError),
        ((one.astype("f4"), one), {}, TypeError),
        ((one, two), {}, ValueError),
        ((np.ones((1, 2)), one), {}, ValueError),
        ((1.0, one), {}, ValueError),
        ((object(), one), {}, TypeError),
        ((one, one), {"out": two}, ValueError),
        ((one, one), {"out": np.empty(1, "f4")}, TypeError),
        ((one, one), {"out": [one, one]}, ValueError),
        ((one, one), {"order": "C"}, TypeError),
    ]:
        with pytest.raises(error):
            stream.push(*args, **kwargs)
    read_only = np.empty(1)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        stream.push(one, one, out=read_only)
    with pytest.raises(TypeError, match="has no keys: use push"):
        stream.push_keyed(["a"], one, one)
    assert stream.rows == 1 and stream.push(1.0, 0.0) == 2


def test_what_no_stream_can_do():
    for text, error in [("x - mean(x)", "all rows"), ("shift(x, -1)", "later rows"), ("x[::-1]", "later rows")]:
        stream = hotloop.compile(text).stream()
        with pytest.raises(TypeError, match=error):
            stream.push(np.ones(3))
        with pytest.raises(TypeError, match=error):
            hotloop.compile(text).stream(np.empty(0))
    with pytest.raises(ValueError, match="no input has the axis 5"):
        hotloop.compile("x").stream(np.empty(3), axis=5)
    with pytest.raises(ValueError, match="takes .* bytes of"):
        hotloop.compile("rolling_mean(x, 100000)", memory=1000).stream(np.empty(0))


def test_snapshots(rng):
    program = hotloop.compile("rolling_mean(x, 6), cumsum(x)")
    x = rng.normal(size=50)
    stream = program.stream()
    with pytest.raises(ValueError, match="has seen no rows"):
        stream.snapshot()
    with pytest.raises(ValueError, match="has seen no rows"):
        stream.restore(b"")
    stream.push(x[:20])
    state = stream.snapshot()
    assert type(state) is bytes
    want = stream.push(x[20:])
    other = program.stream(x[:0])
    other.restore(state)
    assert other.rows == 20
    got = other.push(x[20:])
    for a, b in zip(got, want):
        same(a, b)
    # A restored state replaces another.
    stream.restore(state)
    same(stream.push(x[20:])[0], want[0])
    for wrong in (b"", state[1:], state[:-1], state[:100] + b"?" + state[101:]):
        before = stream.rows
        with pytest.raises(OSError, match="snapshot"):
            stream.restore(wrong)
        assert stream.rows == before
    with pytest.raises(OSError, match="other program"):
        hotloop.compile("cumsum(x)").stream(x).restore(state)
    with pytest.raises(OSError, match="other dtypes"):
        program.stream(x.astype("f4")).restore(state)
    with pytest.raises(OSError, match="other shapes"):
        keyed = program.stream()
        keyed.push_keyed([1], x[:1])
        keyed.restore(state)


def test_snapshots_of_keys(rng):
    program = hotloop.compile("cumsum(x)")
    stream = program.stream()
    stream.push_keyed(["a", "b", "a"], np.array([1.0, 2.0, 4.0]))
    state = stream.snapshot()
    other = program.stream(np.empty(0))
    other.restore(state)
    assert (other.rows, other.keys) == (3, 2)
    same(other.push_keyed(["b", "a", "c"], np.ones(3)), np.array([3.0, 6.0, 1.0]))
    with pytest.raises(TypeError, match="has keys: use push_keyed"):
        other.push(np.ones(1))


def test_pickles_hold_the_state():
    program = hotloop.compile("cumsum(x) * k", fp="fast")
    stream = program.stream(axis=-1)
    assert pickle.loads(pickle.dumps(stream)).rows == 0
    stream.push(np.array([1.0, 2.0]), 10)
    for other in (pickle.loads(pickle.dumps(stream)), copy.deepcopy(stream), copy.copy(stream)):
        assert (other.rows, other.axis, other.program.options) == (2, -1, {"fp": "fast"})
        assert other.push(4.0, 10) == 70
    assert stream.push(8.0, 10) == 110
    keyed = program.stream()
    keyed.push_keyed(["a"], np.ones(1), 1)
    assert pickle.loads(pickle.dumps(keyed)).push_keyed("a", 2.0, 1) == 3


@pytest.mark.parametrize(
    "parts",
    [
        ("x", 0, [], None),
        (None, 0, [], None),
        (hotloop.compile("x"), "0", [], None),
        (hotloop.compile("x"), 0, None, None),
        (hotloop.compile("x"), 0, [("f64", (0,))], None),
        (hotloop.compile("x"), 0, [("f64", (0,))], b"hotloop\n" + bytes(100)),
        (hotloop.compile("x"), 0, [("object", (0,))], b""),
        (hotloop.compile("x"), 0, [("f64", ("n",))], b""),
        (hotloop.compile("x"), 0, [1], b""),
    ],
)
def test_hostile_pickles(parts):
    from hotloop._program import _restore_stream

    with pytest.raises((TypeError, ValueError, OSError)):
        _restore_stream(*parts)


def test_one_push_at_a_time():
    stream = hotloop.compile("cumsum(x)").stream(np.empty(0))
    seen = []

    class Array:
        def __array__(self, dtype=None, copy=None):
            for use in (lambda: stream.push(1.0), stream.snapshot, lambda: stream.rows):
                with pytest.raises(RuntimeError, match="one push runs at a time"):
                    use()
            seen.append(repr(stream))
            return np.ones(2)

    same(stream.push(Array()), np.array([1.0, 2.0]))
    assert "in a push" in seen[0] and stream.rows == 2


def test_many_threads_feed_one_stream():
    stream = hotloop.compile("cumsum(x)").stream(np.empty(0, "i8"))
    one, results = np.ones(2_000, "i8"), []

    def feed():
        done = 0
        while done < 20:
            try:
                results.append(stream.push(one))
                done += 1
            except RuntimeError:
                pass

    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Each row was counted once.
    assert sorted(np.concatenate(results)) == list(range(1, 160_001))


def test_other_threads_go_on_during_a_push():
    stream = hotloop.compile("rolling_median(x, 1001)").stream()
    x, ticks, done = np.ones(1_000_000), [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    during = 0
    for _ in range(100):
        started = time.monotonic()
        stream.push(x)
        ended = time.monotonic()
        during = sum(started < t < ended for t in ticks)
        if during >= 3:
            break
    done.set()
    thread.join()
    assert during >= 3


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
@pytest.mark.parametrize("keyed", [False, True])
def test_a_signal_takes_a_long_push_back(keyed):
    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    x = np.random.default_rng(5).normal(size=5_000_000)
    keys = np.zeros(len(x), "i8")
    stream = hotloop.compile("rolling_median(x, 1001)").stream(x)
    push = (lambda x: stream.push_keyed(keys[: len(x)], x)) if keyed else stream.push
    first = push(x[:2_000])
    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Stop):
            push(x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert stream.rows == 2_000
    want = hotloop.compile("rolling_median(x, 1001)")(x[:3_000])
    same(np.concatenate([first, push(x[2_000:3_000])]), want)


def test_repr_and_sizes():
    stream = hotloop.compile("rolling_mean(x, 10000)").stream()
    assert repr(stream) == "<hotloop.compile('rolling_mean(x, 10000)').stream(axis=0) of 0 rows>"
    assert stream.state_bytes == 0 and stream.keys is None
    stream.push(1.0)
    assert repr(stream).endswith("of 1 rows>") and 80_000 < stream.state_bytes < 1 << 20
    size = stream.state_bytes
    stream.push(np.ones(50_000))
    assert stream.state_bytes == size
    assert stream.program.text == "rolling_mean(x, 10000)"


def test_reach():
    for text, reach in [
        ("x * 2", 0),
        ("rolling_mean(x, 20) - shift(x, 5)", 19),
        ("diff(rolling_max(x, 20))", 20),
        ("rolling_median(x, 7), pct_change(x)", 6),
        ("ewm_mean(x, span=3)", None),
        ("cumsum(x)", None),
    ]:
        stream = hotloop.compile(text).stream()
        with pytest.raises(ValueError, match="has seen no rows"):
            stream.reach
        stream.push(1.0)
        assert stream.reach == reach
    keyed = hotloop.compile("shift(x, 4)").stream()
    keyed.push_keyed([1], np.ones(1))
    assert keyed.reach == 4
