"""The programs, in each contender's language.

`numpy` is an expression of the inputs and of `np`; JAX compiles the same one. `numba` is the body of
a parallel loop over the elements, in which an input or output means its element, or a whole
function. `numexpr` is left out where it has no such operation or dtype.
"""

from dataclasses import dataclass, field
import re


@dataclass
class Workload:
    group: str
    name: str
    program: str  # hotloop's
    inputs: dict  # name: (dtype, shape, low, high) or (.., layout)
    numpy: str
    numba: str
    numexpr: str | None = None
    jax: str | None = None
    outputs: tuple = ("f64",)  # dtypes
    shape: tuple | None = None  # of the outputs, if not the inputs' common one
    tolerance: float = 1e-9
    title: str = ""
    mode: str = "strict"  # contract: only with fused multiply-adds
    n: int = field(init=False)  # elements of the loop

    def __post_init__(self):
        shapes = [shape for _, shape, *_ in self.inputs.values()]
        self.n = max(size(shape) for shape in [*shapes, self.shape or ()])
        self.title = self.title or self.program


def size(shape):
    n = 1
    for extent in shape:
        n *= extent
    return n


def line(names, n, dtype="f64", low=0.0, high=1.0):
    return {name: (dtype, (n,), low, high) for name in names.split()}


BIG = 10_000_000
F32 = re.compile(r"(?<![\w.])(\d+\.\d*|\.\d+)(?![\w.])")


def single(text):
    """A text whose float literals are `f32` in NumPy and Numba."""
    return F32.sub(r"F(\1)", text)


# ---- the programs of the first table

AXPBY = "2*a + 3*b"
SQUARES = "sin(a)**2 + cos(b)**2"
CUBIC = "((.25*x + .75)*x - 1.5)*x - 2"
RATIO = "(a-b)/(a+b)*c"
HORNER = "1.0"
for k in range(1, 21):
    HORNER = f"({HORNER})*x + {k / 32}"

BLACK_SCHOLES = """
def N(x) = 0.5 * (1 + erf(x * sqrt(0.5)))
root = 0.2 * sqrt(T)
d1 = (log(S / K) + 0.05 * T) / root
ke = K * exp(-0.03 * T)
call = S * N(d1) - ke * N(d1 - root)
call, call - S + ke"""

BLACK_SCHOLES_NUMBA = """
root = {F}(0.2) * sqrt(T)
d1 = (log(S / K) + {F}(0.05) * T) / root
ke = K * exp({F}(-0.03) * T)
c_ = S * {F}(0.5) * ({F}(1) + erf(d1 * {F}(0.5**.5))) - ke * {F}(0.5) * ({F}(1) + erf((d1 - root) * {F}(0.5**.5)))
out0 = c_
out1 = c_ - S + ke"""

BLACK_SCHOLES_NUMPY = """(lambda root, ke: (lambda d1: (lambda call: (call, call - S + ke))(
    S * (0.5 * (1 + erf(d1 * F(0.5**.5)))) - ke * (0.5 * (1 + erf((d1 - root) * F(0.5**.5))))
))((np.log(S / K) + 0.05 * T) / root))(0.2 * np.sqrt(T), K * np.exp(-0.03 * T))"""


def npy(text):
    """NumPy's spelling of functions."""
    return re.sub(r"\b(sin|cos|tan|exp|log|log1p|sqrt|where|abs|arcsin|maximum|minimum|clip)\(", r"np.\1(", text)


def plain(group, text, inputs, **more):
    """A program that all contenders spell alike."""
    more = {"numpy": npy(text), "numexpr": text, "numba": f"out0 = {text}", **more}
    return Workload(group, text, text, inputs, **more)


def first():
    g = "first"
    yield plain(g, SQUARES, line("a b", BIG))
    for n in (1_000, 10_000, 100_000, 1_000_000, BIG):
        yield plain(g, AXPBY, line("a b", n))
    for n in (10_000, BIG):
        yield plain(g, CUBIC, line("x", n))
    for dtype, f, tolerance in (("f64", "np.float64", 2e-6), ("f32", "np.float32", 2e-4)):
        inputs = {k: (dtype, (4_000_000,), *r) for k, r in
                  {"S": (50, 150), "K": (50, 150), "T": (.1, 2)}.items()}
        yield Workload(
            g, "black_scholes", BLACK_SCHOLES, inputs, BLACK_SCHOLES_NUMPY,
            BLACK_SCHOLES_NUMBA.format(F=f), outputs=(dtype,) * 2, tolerance=tolerance,
            title=f"Black-Scholes, {dtype}",
        )
    dot = "    s = 0.0\n    for i in prange(a.shape[0]): s += {}\n    out0[()] = s\n"
    yield Workload(g, "dot", "sum(a*b)", line("a b", BIG), "np.dot(a, b)", dot.format("a[i] * b[i]"),
                   "sum(a*b)", shape=())
    yield Workload(g, "distance", "sum((a-b)**2)", line("a b", BIG), "(lambda d: np.dot(d, d))(a - b)",
                   dot.format("(a[i] - b[i])**2"), "sum((a-b)**2)", shape=())
    text = "where((a>0.5)&(b<0.3), a*2, b+1)"
    yield plain(g, text, line("a b", BIG), numba="out0 = a*2 if (a > 0.5) & (b < 0.3) else b+1")
    mixed = {"i": ("i32", (BIG // 2,), 0, 1000), "f": ("f32", (BIG // 2,), 0, 1),
             "a": ("f64", (BIG // 2,), 0, 1, "second")}
    yield plain(g, "i*f + a", mixed, tolerance=1e-6)
    text = "exp(-a*b) + log1p(a) + a**b"
    yield plain(g, text, line("a b", BIG))
    square = {"c": ("f64", (4000, 4000), 0, 1), "f": ("f64", (4000, 4000), 0, 1, "F")}
    tiled = """    n, m = c.shape
    for ib in prange((n + 63) // 64):
        {}for jb in range(0, m, 64):
            for i in range(ib * 64, min(ib * 64 + 64, n)):
                {}
"""
    yield Workload(
        g, "row_sums", "sum(c*2 + f, axis=1)", square, "(c*2 + f).sum(axis=1)",
        tiled.format("for i in range(ib * 64, min(ib * 64 + 64, n)): out0[i] = 0.0\n        ",
                     "s = 0.0\n                for j in range(jb, min(jb + 64, m)): s += c[i, j] * 2 + f[i, j]\n"
                     "                out0[i] += s"),
        "sum(c*2 + f, axis=1)", shape=(4000,))
    yield Workload(
        g, "two_orders", "sin(c)**2 + cos(f)**2", square, "np.sin(c)**2 + np.cos(f)**2",
        tiled.format("", "for j in range(jb, min(jb + 64, m)): out0[i, j] = sin(c[i, j])**2 + cos(f[i, j])**2"),
        "sin(c)**2 + cos(f)**2")
    for n in (10_000, BIG):
        yield plain(g, HORNER, line("x", n), title="Horner, 40 operations", mode="contract")


def small():
    for n in (16, 64, 1_000):
        yield plain("small", RATIO, line("a b c", n, low=.1))
    yield plain("small", AXPBY, line("a b", 16))
    yield plain("small", "sin(a) + b", line("a b", 16))
    yield Workload("small", "dot", "sum(a*b)", line("a b", 16), "np.dot(a, b)",
                   "    s = 0.0\n    for i in range(a.shape[0]): s += a[i] * b[i]\n    out0[()] = s\n",
                   shape=())


def images():
    g, n = "images", 3000 * 4000
    pair, one = line("a b", n, "u8", 0, 256), line("a", n, "u8", 0, 256)
    yield Workload(
        g, "blend", "u8((u16(a)*77 + u16(b)*179) >> 8)", pair,
        "((a.astype(np.uint16)*77 + b.astype(np.uint16)*179) >> 8).astype(np.uint8)",
        "out0 = (np.uint16(a)*np.uint16(77) + np.uint16(b)*np.uint16(179)) >> 8", outputs=("u8",))
    yield Workload(
        g, "threshold", "u8(where(a > 127, 255, 0))", one,
        "np.where(a > 127, np.uint8(255), np.uint8(0))",
        "out0 = np.uint8(255) if a > 127 else np.uint8(0)", outputs=("u8",))
    yield Workload(
        g, "contrast", "u8(clip((f32(a) - 128) * 1.4 + 128, 0, 255))", one,
        "np.clip((a.astype(np.float32) - F(128)) * F(1.4) + F(128), F(0), F(255)).astype(np.uint8)",
        "out0 = np.uint8(min(max((F(a) - F(128)) * F(1.4) + F(128), F(0)), F(255)))", outputs=("u8",),
        tolerance=1.0)
    yield Workload(
        g, "contrast", "u8(clip((i16(a) - 128)*7 // 5 + 128, 0, 255))", one,
        "np.clip((a.astype(np.int16) - 128)*7 // 5 + 128, 0, 255).astype(np.uint8)",
        "out0 = np.uint8(min(max((np.int32(a) - 128)*7 // 5 + 128, 0), 255))", outputs=("u8",))
    yield Workload(
        g, "grey", "u8((u16(r)*77 + u16(g)*150 + u16(b)*29) >> 8)", line("r g b", n, "u8", 0, 256),
        "((r.astype(np.uint16)*77 + g.astype(np.uint16)*150 + b.astype(np.uint16)*29) >> 8).astype(np.uint8)",
        "out0 = (np.uint16(r)*np.uint16(77) + np.uint16(g)*np.uint16(150) + np.uint16(b)*np.uint16(29)) >> 8",
        outputs=("u8",))
    yield Workload(g, "difference", "maximum(a, b) - minimum(a, b)", pair,
                   "np.maximum(a, b) - np.minimum(a, b)", "out0 = max(a, b) - min(a, b)", outputs=("u8",))


def bands():
    g, n = "bands", 3000 * 4000
    bands = line("n r b", n, "i16", 1, 10000)
    two = line("n r", n, "i16", 1, 10000)
    yield Workload(g, "ndvi", "f32(n - r) / f32(n + r)", two,
                   "(n - r).astype(np.float32) / (n + r).astype(np.float32)",
                   "out0 = F(n - r) / F(n + r)", outputs=("f32",), tolerance=1e-6)
    yield Workload(g, "ndvi", "(n - r) / (n + r)", two,
                   "(n - r).astype(np.float64) / (n + r)", "out0 = float(n - r) / float(n + r)",
                   tolerance=1e-6)
    yield Workload(
        g, "evi", "2.5*(f32(n) - f32(r)) / (f32(n) + 6.0*f32(r) - 7.5*f32(b) + 10000.0)",
        {**bands, "b": ("i16", (n,), 1, 1000)},
        "F(2.5)*(n.astype(np.float32) - r.astype(np.float32)) / "
        "(n.astype(np.float32) + F(6)*r.astype(np.float32) - F(7.5)*b.astype(np.float32) + F(10000))",
        "out0 = F(2.5)*(F(n) - F(r)) / (F(n) + F(6)*F(r) - F(7.5)*F(b) + F(10000))",
        outputs=("f32",), tolerance=1e-5)
    yield Workload(
        g, "scaled index", "i16(clip(10000.0 * f32(n - r) / f32(n + r), -10000.0, 10000.0))", two,
        "np.clip(F(10000) * (n - r).astype(np.float32) / (n + r).astype(np.float32), -10000, 10000).astype(np.int16)",
        "out0 = np.int16(min(max(F(10000) * F(n - r) / F(n + r), F(-10000)), F(10000)))",
        outputs=("i16",), tolerance=1.0)


def stencils():
    g, m = "stencils", 2000
    for dtype in ("f64", "f32"):
        x = {"x": (dtype, (m, m), 0, 1)}
        four = "x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:] - 4*x[1:-1, 1:-1]"
        yield Workload(
            g, "laplacian", four, x, four,
            "    n, m = out0.shape\n    for i in prange(n):\n        for j in range(m):\n"
            "            out0[i, j] = x[i, j+1] + x[i+2, j+1] + x[i+1, j] + x[i+1, j+2] - 4*x[i+1, j+1]\n",
            outputs=(dtype,), shape=(m - 2, m - 2), tolerance=1e-5 if dtype == "f32" else 1e-9,
            title=f"5-point Laplacian, {dtype}")
    text = "x[1:-1] + 0.1*(x[2:] - 2*x[1:-1] + x[:-2])"
    for dtype in ("f64", "f32"):
        f = "F" if dtype == "f32" else ""
        yield Workload(
            g, "heat", text, line("x", 4_000_000, dtype), text,
            f"    for i in prange(out0.shape[0]): out0[i] = x[i+1] + {f}(0.1)*(x[i+2] - 2*x[i+1] + x[i])\n",
            outputs=(dtype,), shape=(3_999_998,), tolerance=1e-5 if dtype == "f32" else 1e-9,
            title=f"heat step along a line, {dtype}")
    text = "sqrt((x[1:-1, 2:] - x[1:-1, :-2])**2 + (x[2:, 1:-1] - x[:-2, 1:-1])**2)"
    yield Workload(
        g, "gradient", text, {"x": ("f32", (m, m), 0, 1)}, npy(text),
        "    n, m = out0.shape\n    for i in prange(n):\n        for j in range(m):\n"
        "            out0[i, j] = sqrt((x[i+1, j+2] - x[i+1, j])**2 + (x[i+2, j+1] - x[i, j+1])**2)\n",
        outputs=("f32",), shape=(m - 2, m - 2), tolerance=1e-5, title="gradient's length, f32")


def distances():
    g, m = "distances", 3000
    points = line("x y z", m, "f32")
    text = "sqrt((x[:, None] - x)**2 + (y[:, None] - y)**2 + (z[:, None] - z)**2)"
    body = """    m = x.shape[0]
    for i in prange(m):
        for j in range(m): out0[i, j] = {}
"""
    square = "(x[i] - x[j])**2 + (y[i] - y[j])**2 + (z[i] - z[j])**2"
    yield Workload(g, "pairs", text, points, npy(text), body.format(f"sqrt({square})"),
                   outputs=("f32",), shape=(m, m), tolerance=1e-4, title="pair distances, f32")
    text = "exp(-0.5*((x[:, None] - x)**2 + (y[:, None] - y)**2))"
    yield Workload(g, "kernel", text, line("x y", m, "f32"), single(npy(text)),
                   body.format("exp(F(-0.5)*((x[i] - x[j])**2 + (y[i] - y[j])**2))"),
                   outputs=("f32",), shape=(m, m), tolerance=1e-4, title="Gaussian of pair distances, f32")
    text = "min((x[:, None] - x)**2 + (y[:, None] - y)**2 + (z[:, None] - z)**2, axis=1)"
    yield Workload(
        g, "nearest", text, points,
        "((x[:, None] - x)**2 + (y[:, None] - y)**2 + (z[:, None] - z)**2).min(axis=1)",
        "    m = x.shape[0]\n    for i in prange(m):\n        s = F(1e30)\n"
        f"        for j in range(m): s = min(s, {square})\n        out0[i] = s\n",
        outputs=("f32",), shape=(m,), tolerance=1e-5, title="least squared distance of each, f32")


def losses():
    g, n = "losses", 4_000_000
    for dtype in ("f64", "f32"):
        f = "F" if dtype == "f32" else ""
        tolerance = 1e-5 if dtype == "f32" else 1e-9
        inputs = {"z": (dtype, (n,), -4, 4), "y": (dtype, (n,), 0, 1)}
        text = "mean(maximum(z, 0) - z*y + log1p(exp(-abs(z))))"
        yield Workload(
            g, "logistic", text, inputs, "np.mean(np.maximum(z, 0) - z*y + np.log1p(np.exp(-np.abs(z))))",
            f"    s = {f or 'float'}(0)\n    for i in prange(z.shape[0]):"
            f" s += max(z[i], {f or 'float'}(0)) - z[i]*y[i] + log1p(exp(-abs(z[i])))\n    out0[()] = s / z.shape[0]\n",
            outputs=(dtype,), shape=(), tolerance=1e-3 if dtype == "f32" else 1e-9, title=f"logistic loss, {dtype}")
        text = "1 / (1 + exp(-z)) - y"
        yield Workload(g, "gradient", text, inputs, npy(text),
                       f"out0 = {f or 'float'}(1) / ({f or 'float'}(1) + exp(-z)) - y", text,
                       outputs=(dtype,), tolerance=tolerance, title=f"`{text}`, {dtype}")
    inputs = {k: ("f64", (2_000_000,), *r) for k, r in
              {"p": (-1.5, 1.5), "q": (-1.5, 1.5), "l": (-3, 3), "m": (-3, 3)}.items()}
    text = "12742 * arcsin(sqrt(sin((q - p)/2)**2 + cos(p)*cos(q)*sin((m - l)/2)**2))"
    yield plain(g, text, inputs, title="haversine, f64", tolerance=1e-6)
    single_inputs = {k: ("f32", *v[1:]) for k, v in inputs.items()}
    yield Workload(
        g, "haversine", text, single_inputs, npy(text),
        "out0 = F(12742) * arcsin(sqrt(sin((q - p)*F(.5))**2 + cos(p)*cos(q)*sin((m - l)*F(.5))**2))",
        outputs=("f32",), tolerance=1e-2, title="haversine, f32")


def polynomials():
    g = "polynomials"
    five = "((((0.2*x + 0.3)*x - 0.7)*x + 1.1)*x - 0.4)*x + 0.9"
    pade = "(1.0 + x*(0.5 + x*(0.1 + x*0.008))) / (1.0 - x*(0.5 - x*(0.1 - x*0.008)))"
    for text, title in ((five, "degree 5, f32"), (pade, "quotient of cubics, f32")):
        for n in (10_000, BIG):
            yield Workload(g, title, text, line("x", n, "f32"), single(text), f"out0 = {single(text)}",
                           outputs=("f32",), tolerance=1e-5, title=title)
    deep = "1.0"
    for k in range(1, 21):
        deep = f"({deep})*x + {k / 32}"
    yield Workload(g, "degree 20", deep, line("x", 10_000, "f32"), single(deep), f"out0 = {single(deep)}",
                   outputs=("f32",), tolerance=1e-4, title="degree 20, f32")


def integers():
    g, n = "integers", 4_000_000
    mix = "(lambda y: (lambda z: z ^ (z >> 16))((y ^ (y >> 13)) * np.uint32(0xc2b2ae35)))((x ^ (x >> 16)) * np.uint32(0x85ebca6b))"
    yield Workload(
        g, "murmur", "y = (x ^ (x >> 16)) * 0x85ebca6b\nz = (y ^ (y >> 13)) * 0xc2b2ae35\nz ^ (z >> 16)",
        line("x", n, "u32", 0, 2**32), mix,
        "y_ = np.uint32((x ^ (x >> np.uint32(16))) * np.uint32(0x85ebca6b))\n"
        "z_ = np.uint32((y_ ^ (y_ >> np.uint32(13))) * np.uint32(0xc2b2ae35))\n"
        "out0 = z_ ^ (z_ >> np.uint32(16))",
        outputs=("u32",), title="Murmur's finisher, u32")
    yield Workload(
        g, "xorshift", "y = x ^ (x << 13)\nz = y ^ (y >> 7)\nz ^ (z << 17)", line("x", n, "u64", 0, 2**53),
        "(lambda y: (lambda z: z ^ (z << 17))(y ^ (y >> 7)))(x ^ (x << 13))",
        "y_ = x ^ (x << np.uint64(13))\nz_ = y_ ^ (y_ >> np.uint64(7))\nout0 = z_ ^ (z_ << np.uint64(17))",
        outputs=("u64",), title="xorshift, u64")
    for dtype in ("i32", "i64", "u32"):
        t = {"i32": "np.int32", "i64": "np.int64", "u32": "np.uint32"}[dtype]
        low = 0 if dtype == "u32" else -2**31
        yield Workload(g, "bucket", "x % 1000", line("x", n, dtype, low, 2**31), "x % 1000",
                       f"out0 = x % {t}(1000)", outputs=(dtype,), title=f"`x % 1000`, {dtype}")
    pair = {"x": ("i32", (n,), -2**31, 2**31), "m": ("i32", (n,), 1, 1000)}
    yield Workload(g, "modulus", "x % m", pair, "x % m", "out0 = x % m", outputs=("i32",),
                   title="`x % m`, i32")
    yield Workload(g, "quotient", "x // m", pair, "x // m", "out0 = x // m", outputs=("i32",),
                   title="`x // m`, i32")


def rows():
    g = "rows"
    x = {"x": ("f32", (4000, 1000), -1, 1)}
    yield Workload(
        g, "softmax",
        "e = exp(x - max(x, axis=1, keepdims=True))\ne / sum(e, axis=1, keepdims=True)", x,
        "(lambda e: e / e.sum(axis=1, keepdims=True))(np.exp(x - x.max(axis=1, keepdims=True)))",
        """    n, m = x.shape
    for i in prange(n):
        t = x[i, 0]
        for j in range(m): t = max(t, x[i, j])
        s = F(0)
        for j in range(m):
            e = exp(x[i, j] - t)
            out0[i, j] = e
            s += e
        r = F(1) / s
        for j in range(m): out0[i, j] *= r
""", outputs=("f32",), tolerance=1e-5, title="softmax of rows, f32 (4000, 1000)")
    yield Workload(
        g, "layer norm", "(x - mean(x, axis=1, keepdims=True)) / sqrt(var(x, axis=1, keepdims=True) + 1e-5)",
        {"x": ("f32", (8192, 768), -1, 1)},
        "(x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + F(1e-5))",
        """    n, m = x.shape
    for i in prange(n):
        s = F(0)
        for j in range(m): s += x[i, j]
        mean = s / F(m)
        s = F(0)
        for j in range(m): s += (x[i, j] - mean)**2
        r = F(1) / sqrt(s / F(m) + F(1e-5))
        for j in range(m): out0[i, j] = (x[i, j] - mean) * r
""", outputs=("f32",), tolerance=1e-4, title="layer norm, f32 (8192, 768)")
    yield Workload(
        g, "columns", "(x - mean(x, axis=0)) / std(x, axis=0)", {"x": ("f64", (1_000_000, 8), -1, 1)},
        "(x - x.mean(axis=0)) / x.std(axis=0)",
        """    n, m = x.shape
    parts = 8
    t = np.zeros((parts, 2, m))
    for p in prange(parts):
        for i in range(p * n // parts, (p + 1) * n // parts):
            for j in range(m):
                t[p, 0, j] += x[i, j]
                t[p, 1, j] += x[i, j] * x[i, j]
    mean = np.zeros(m)
    scale = np.zeros(m)
    for j in range(m):
        mean[j] = t[:, 0, j].sum() / n
        scale[j] = 1 / sqrt(t[:, 1, j].sum() / n - mean[j]**2)
    for p in prange(parts):
        for i in range(p * n // parts, (p + 1) * n // parts):
            for j in range(m): out0[i, j] = (x[i, j] - mean[j]) * scale[j]
""", tolerance=1e-8, title="standardised columns, f64 (1000000, 8)")
    yield Workload(
        g, "unit rows", "x / sqrt(sum(x*x, axis=1, keepdims=True))", x,
        "x / np.sqrt((x*x).sum(axis=1, keepdims=True))",
        """    n, m = x.shape
    for i in prange(n):
        s = F(0)
        for j in range(m): s += x[i, j] * x[i, j]
        r = F(1) / sqrt(s)
        for j in range(m): out0[i, j] = x[i, j] * r
""", outputs=("f32",), tolerance=1e-5, title="rows of unit length, f32 (4000, 1000)")


def maps():
    """z*z + c, ten times."""
    steps, a, b = [], "x", "y"
    for k in range(9):
        steps += [f"a{k} = {a}*{a} - {b}*{b} + x", f"b{k} = 2*{a}*{b} + y"]
        a, b = f"a{k}", f"b{k}"
    program = "\n".join([*steps, f"{a}*{a} + {b}*{b}"])
    for dtype in ("f64", "f32"):
        f = "F" if dtype == "f32" else ""
        inputs = {"x": (dtype, (1_000_000,), -.5, .2), "y": (dtype, (1_000_000,), 0, .3)}
        body = [re.sub(r"\b([ab]\d)\b", r"\1_", s).replace("2*", f"{f}(2)*") for s in steps]
        yield Workload("maps", "ten steps", program, inputs, "squares_and_c(x, y)",
                       "\n".join([*body, f"out0 = {a}_*{a}_ + {b}_*{b}_"]),
                       outputs=(dtype,), tolerance=1e-3 if dtype == "f32" else 1e-9,
                       title=f"`z*z + c` in real parts, ten steps, {dtype}")
    program = "\n".join(["s0 = 3.7*x*(1 - x)", *[f"s{k} = 3.7*s{k-1}*(1 - s{k-1})" for k in range(1, 10)], "s9"])
    yield Workload("maps", "logistic", program, line("x", 1_000_000), "logistic_map(x)",
                   "t = x\nfor k in range(10): t = 3.7*t*(1 - t)\nout0 = t", tolerance=1e-4,
                   title="logistic map, ten steps, f64")


GROUPS = [first, small, images, bands, stencils, distances, losses, polynomials, integers, rows, maps]


def workloads(groups=None):
    """All workloads, or those of some groups."""
    for group in GROUPS:
        if not groups or group.__name__ in groups:
            yield from group()
