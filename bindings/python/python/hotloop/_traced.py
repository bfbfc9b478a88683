"""Arrays that note what is done to them: `Traced`, and the program that they write, `Trace`."""

import functools
import os
import sys

import numpy as np

_OPERATORS = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "floor_divide": "//",
    "remainder": "%",
    "power": "**",
    "bitwise_and": "&",
    "bitwise_or": "|",
    "bitwise_xor": "^",
    "left_shift": "<<",
    "right_shift": ">>",
    "equal": "==",
    "not_equal": "!=",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
}
_PREFIXES = {"negative": "-", "positive": "+", "invert": "~"}
_RENAMED = {"absolute": "abs", "conjugate": "+", "fabs": "abs"}
_REDUCED = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}
_ACCUMULATED = {"add": "cumsum", "multiply": "cumprod", "maximum": "cummax", "minimum": "cummin"}
_REDUCTIONS = {
    "sum",
    "prod",
    "min",
    "max",
    "amin",
    "amax",
    "mean",
    "var",
    "std",
    "any",
    "all",
    "count_nonzero",
    "argmin",
    "argmax",
    "nansum",
    "nanmean",
    "nanmin",
    "nanmax",
    "nanvar",
    "nanstd",
    "nanprod",
    "ptp",
}
#: Ufuncs of two results.
_PAIRS = {"divmod", "modf", "frexp"}
#: Functions that are the language's, with the names of their parameters.
_FUNCTIONS = {
    "where": ("condition", "x", "y"),
    "isclose": ("a", "b", "rtol", "atol"),
    "sinc": ("x",),
    "nan_to_num": ("x", "nan"),
    "round": ("a", "decimals"),
    "around": ("a", "decimals"),
}


class TraceError(TypeError):
    """What a traced function cannot do."""


def _user_frame():
    """The innermost frame of the traced function's own code."""
    frame = sys._getframe(1)
    own, numpy = os.path.dirname(__file__), np.__path__[0]
    while frame is not None and frame.f_code.co_filename.startswith((own, numpy)):
        frame = frame.f_back
    return frame


def trace_error(message):
    frame = _user_frame()
    if frame is None:
        return TraceError(message)
    return TraceError(f"{message} ({frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name})")


def dtype_name(dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return "bool"
    if dtype.kind not in "iuf" or dtype.itemsize > 8 or (dtype.kind == "f" and dtype.itemsize < 4):
        raise trace_error(f"programs do not take {dtype}")
    return f"{dtype.kind}{8 * dtype.itemsize}"


class Trace:
    """The program that a call of the function writes."""

    def __init__(self, elementwise=False):
        self.lines, self.captured, self.names, self.count = [], [], {}, 0
        # Whether values stand for single elements, which have no axes.
        self.elementwise = elementwise

    def check_axes(self, what):
        """Refuses what goes along axes, where values stand for single elements."""
        if self.elementwise:
            raise trace_error(f"{what} goes along an axis, but the function is applied to single elements")

    def captured_name(self, array):
        """The input for an array of the function's surroundings, by identity."""
        for name, own in self.captured:
            if own is array:
                return name
        name = f"captured{len(self.captured)}"
        self.captured.append((name, array))
        return name

    def term(self, value):
        """The text of an operand."""
        if isinstance(value, Traced):
            if value._trace is not self:
                raise trace_error("a value of another call is used; return it instead of keeping it")
            return value._name
        if isinstance(value, (bool, np.bool_)):
            return "True" if value else "False"
        if isinstance(value, np.generic):
            return f"{dtype_name(value.dtype)}({_number(value.item())})"
        if isinstance(value, (int, float)):
            return _number(value)
        if isinstance(value, np.ndarray):
            dtype_name(value.dtype)
            return self.captured_name(value)
        if isinstance(value, (list, tuple)):
            raise trace_error("a list is combined with an array; make it an array outside of the function")
        raise trace_error(f"{type(value).__name__} is no operand")

    def line(self, text, sample, of=None):
        """A value that the text computes; `sample` has its dtype and number of axes."""
        known = self.names.get(text)
        if known is None:
            self.count += 1
            known = self.names[text] = f"t{self.count}"
            self.lines.append(f"{known} = {text}")
        return Traced(self, known, sample_like(sample), of)


def _number(value):
    if isinstance(value, float):
        if value != value:
            return "nan"
        if value in (float("inf"), float("-inf")):
            return "inf" if value > 0 else "(-inf)"
    return repr(value) if value >= 0 and not str(value).startswith("-") else f"({value!r})"


def sample_like(value):
    """An array of one element with the dtype and number of axes of another, or a Python number."""
    if isinstance(value, (bool, int, float)) and not isinstance(value, np.generic):
        return value
    value = np.asarray(value)
    return np.ones((1,) * value.ndim, value.dtype) if value.ndim else np.ones((), value.dtype)


def _sample_of(value):
    return value._sample if isinstance(value, Traced) else value if np.isscalar(value) else sample_like(value)


def _typed(function, *operands, **named):
    """What NumPy makes of samples: a result with the right dtype and number of axes."""
    with np.errstate(all="ignore"):
        try:
            return function(*map(_sample_of, operands), **named)
        except (TypeError, ValueError) as error:
            raise trace_error(str(error)) from None


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that notes what is done to it."""

    __slots__ = ("_trace", "_name", "_sample", "_of", "_viewed")
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 1e6

    def __init__(self, trace, name, sample, of=None):
        self._trace, self._name, self._sample = trace, name, sample
        # What it is a view of; "argument" for the function's own arguments.
        self._of, self._viewed = of, False

    def __repr__(self):
        return f"<traced {self.dtype} array of {self.ndim} axes>"

    @property
    def dtype(self):
        return np.asarray(self._sample).dtype

    @property
    def ndim(self):
        return np.ndim(self._sample)

    @property
    def T(self):
        return self.transpose()

    @property
    def real(self):
        return self

    @property
    def shape(self):
        raise trace_error("shapes are not known in a traced function, which is compiled for all shapes")

    @property
    def size(self):
        return self.shape

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise trace_error(f"arrays in a traced function have no attribute {name!r}")

    def _refuse(self, *_, **__):
        raise trace_error(
            "the value of an array is not known in a traced function; use np.where instead of a condition"
        )

    __bool__ = __int__ = __float__ = __complex__ = __index__ = _refuse

    def __len__(self):
        raise trace_error("lengths are not known in a traced function, which is compiled for all shapes")

    def __iter__(self):
        raise trace_error("arrays in a traced function cannot be iterated over")

    def __contains__(self, value):
        raise trace_error("the elements of an array are not known in a traced function")

    def __array__(self, *_, **__):
        raise trace_error("a function that cannot be traced takes an array")

    def __setitem__(self, key, value):
        raise trace_error("elements cannot be assigned in a traced function; use np.where")

    def __getitem__(self, key):
        self._trace.check_axes("indexing")
        parts = key if isinstance(key, tuple) else (key,)
        texts, axes = [], self.ndim
        for part in parts:
            if part is None:
                texts.append("None")
                axes += 1
            elif part is Ellipsis:
                texts.append("...")
            elif isinstance(part, slice):
                texts.append(_slice(part))
            elif isinstance(part, (int, np.integer)) and not isinstance(part, bool):
                texts.append(str(int(part)))
                axes -= 1
            else:
                raise trace_error("only constant indices can be traced, not masks and arrays; use np.where")
        used = sum(part is not None and part is not Ellipsis for part in parts)
        if used > self.ndim:
            raise IndexError(f"too many indices: {used} for {self.ndim} axes")
        sample = np.ones((1,) * axes, self.dtype)
        return self._view(f"{self._name}[{', '.join(texts)}]", sample)

    def _view(self, text, sample):
        self._trace.check_axes("a view")
        self._viewed = True
        return self._trace.line(text, sample, of=self)

    def _replace(self, result):
        """Becomes a result in place, as `x += 1` asks for."""
        if self._of == "argument":
            raise trace_error("a traced function cannot change its arguments in place; assign the result")
        if self._of is not None or self._viewed:
            raise trace_error("an array and a view of it cannot be changed in place in a traced function")
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise trace_error(f"{result.dtype} cannot be stored in an array of {self.dtype}")
        if result.dtype != self.dtype:
            result = result.astype(self.dtype)
        self._name, self._sample = result._name, result._sample
        return self

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **named):
        name, trace = ufunc.__name__, self._trace
        if method == "reduce" and name in _REDUCED:
            axis = named.pop("axis", 0)
            return self._reduced(_REDUCED[name], inputs[0], axis=axis, out=out and out[0], **named)
        if method == "accumulate" and name in _ACCUMULATED:
            return inputs[0]._accumulated(_ACCUMULATED[name], named.get("axis", 0))
        if method != "__call__":
            raise trace_error(f"np.{name}.{method} cannot be traced")
        named = {key: value for key, value in named.items() if value is not None and value is not True}
        if named:
            raise trace_error(f"np.{name} with {', '.join(named)}= cannot be traced")
        # A number to the left may be a weak argument: NumPy's rules see the samples.
        terms = [trace.term(value) for value in inputs]
        sample = _typed(ufunc, *inputs)
        if name in _PAIRS:
            both = trace.line(f"{name}({', '.join(terms)})", 0.0)
            trace.lines.pop()
            pair = f"{both._name}a, {both._name}b"
            trace.lines.append(f"{pair} = {name}({', '.join(terms)})")
            return tuple(Traced(trace, n, sample_like(s)) for n, s in zip(pair.split(", "), sample))
        if name in _OPERATORS:
            text = f" {_OPERATORS[name]} ".join(terms)
        elif name in _PREFIXES:
            text = _PREFIXES[name] + terms[0]
        elif name == "conjugate":
            text = terms[0]
        else:
            name = _RENAMED.get(name, name)
            if name not in _language():
                raise trace_error(f"np.{name} cannot be traced")
            text = f"{name}({', '.join(terms)})"
        result = trace.line(text, sample)
        if out is not None:
            target = out[0]
            if not isinstance(target, Traced):
                raise trace_error("out= of a traced call must be an array of the function")
            return target._replace(result)
        return result

    def __array_function__(self, function, types, args, kwargs):
        name = function.__name__
        trace = self._trace
        if name in _REDUCTIONS:
            return self._reduced(name, *args, **kwargs)
        if name in ("cumsum", "cumprod"):
            return _bound(args, kwargs, ("a", "axis"))["a"]._accumulated(
                name, kwargs.get("axis", args[1] if len(args) > 1 else None)
            )
        if name == "clip":
            given = _bound(args, kwargs, ("a", "a_min", "a_max"))
            low = given.get("a_min", kwargs.get("min"))
            high = given.get("a_max", kwargs.get("max"))
            return self._clipped(given["a"], low, high)
        if name == "transpose":
            given = _bound(args, kwargs, ("a", "axes"))
            return given["a"].transpose(given.get("axes"))
        if name == "expand_dims":
            given = _bound(args, kwargs, ("a", "axis"))
            array, axis = given["a"], given["axis"]
            sample = np.expand_dims(array._sample, axis)
            return array._view(f"expand_dims({array._name}, {_constant(axis)})", sample)
        if name == "diff":
            given = _bound(args, kwargs, ("a", "n", "axis"))
            return given["a"]._differences(given.get("n", 1), given.get("axis", -1))
        if name == "swapaxes":
            given = _bound(args, kwargs, ("a", "axis1", "axis2"))
            axes = list(range(given["a"].ndim))
            one, two = given["axis1"], given["axis2"]
            axes[one], axes[two] = axes[two], axes[one]
            return given["a"].transpose(axes)
        if name in ("zeros_like", "ones_like", "full_like"):
            array = args[0]
            fill = {"zeros_like": 0, "ones_like": 1}.get(name, kwargs.get("fill_value", args[-1]))
            if set(kwargs) - {"dtype", "fill_value"}:
                raise trace_error(f"np.{name} with these options cannot be traced")
            dtype = dtype_name(kwargs.get("dtype") or array.dtype)
            filled = trace.line(f"full_like({array._name}, {trace.term(fill)})", array._sample)
            return filled.astype(dtype if dtype == "bool" else np.dtype(_numpy_name(dtype)))
        if name in _FUNCTIONS:
            given = _bound(args, kwargs, _FUNCTIONS[name])
            if name == "where" and len(given) != 3:
                raise trace_error("np.where needs a condition and two values to be traced")
            terms = [trace.term(given[key]) for key in _FUNCTIONS[name][: len(given)] if key in given]
            if len(terms) < len(given):
                raise trace_error(f"np.{name} with these options cannot be traced")
            sample = _typed(function, *given.values())
            name = {"around": "round"}.get(name, name)
            return trace.line(f"{name}({', '.join(terms)})", sample)
        if name == "copy":
            return trace.line(args[0]._name, args[0]._sample)
        if name in ("dot", "inner", "vdot") and len(args) == 2 and not kwargs:
            return self._dot(*args)
        if name in ("ndim", "iscomplexobj", "isrealobj", "result_type", "can_cast"):
            return function(*map(_sample_of, args), **kwargs)
        if name in ("shape", "size"):
            return self.shape
        raise trace_error(f"np.{name} cannot be traced")

    def _dot(self, a, b):
        self._trace.check_axes("np.dot")
        if np.ndim(_sample_of(a)) != 1 or np.ndim(_sample_of(b)) != 1:
            raise trace_error("products of matrices cannot be traced")
        text = f"dot({self._trace.term(a)}, {self._trace.term(b)})"
        return self._trace.line(text, _typed(np.dot, a, b))

    def _reduced(
        self,
        name,
        array,
        axis=None,
        dtype=None,
        out=None,
        keepdims=False,
        initial=None,
        where=True,
        ddof=None,
        **other,
    ):
        if out is not None or other or not isinstance(array, Traced):
            raise trace_error(f"np.{name} with these options cannot be traced")
        trace, name = self._trace, {"amin": "min", "amax": "max"}.get(name, name)
        trace.check_axes(f"np.{name}")
        unset = np._NoValue
        keepdims = False if keepdims is unset else bool(keepdims)
        text, options = array._name, {}
        if axis is not None and axis is not unset:
            options["axis"] = axis
            text += f", axis={_constant(axis)}"
        if keepdims:
            options["keepdims"] = True
            text += ", keepdims=True"
        if dtype is not None:
            options["dtype"] = dtype
            text += f", dtype={dtype_name(dtype)}"
        if ddof not in (None, 0):
            text += f", ddof={_constant(ddof)}"
        if initial is not None and initial is not unset:
            text += f", initial={trace.term(initial)}"
        if where is not True and where is not unset:
            text += f", where={trace.term(where)}"
        return trace.line(f"{name}({text})", _typed(getattr(np, name), array, **options))

    def _accumulated(self, name, axis):
        self._trace.check_axes(f"np.{name}")
        if axis is None:
            if self.ndim != 1:
                raise trace_error(f"np.{name} without an axis flattens, which cannot be traced")
            axis = 0
        return self._trace.line(
            f"{name}({self._name}, axis={_constant(axis)})",
            _typed(getattr(np, name, np.cumsum), self, axis=axis),
        )

    def _clipped(self, array, low, high):
        trace = self._trace
        bounds = ", ".join("None" if bound is None else trace.term(bound) for bound in (low, high))
        return trace.line(
            f"clip({trace.term(array)}, {bounds})",
            _typed(np.clip, array, low, high) if low is not None or high is not None else array._sample,
        )

    def _differences(self, n, axis):
        if not isinstance(n, int) or not 0 <= n < 100:
            raise trace_error("np.diff needs a constant number of differences")
        result, axis = self, axis % max(self.ndim, 1)
        for _ in range(n):
            before = (slice(None),) * axis
            result = result[before + (slice(1, None),)] - result[before + (slice(None, -1),)]
        return result

    def transpose(self, *axes):
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
            axes = axes[0]
        sample = np.transpose(self._sample, axes or None)
        if not axes:
            return self._view(f"transpose({self._name})", sample)
        return self._view(f"transpose({self._name}, {_constant(tuple(axes))})", sample)

    def astype(self, dtype, order="K", casting="unsafe", subok=True, copy=True):
        if casting != "unsafe" and not np.can_cast(self.dtype, dtype, casting):
            raise trace_error(f"{self.dtype} cannot be cast to {np.dtype(dtype)} by the rule {casting!r}")
        return self._trace.line(f"{dtype_name(dtype)}({self._name})", np.asarray(self._sample).astype(dtype))

    def copy(self, order="C"):
        # A value of its own, which may be changed in place.
        return Traced(self._trace, self._name, self._sample)

    def clip(self, min=None, max=None):
        return self._clipped(self, min, max)

    def round(self, decimals=0):
        return np.round(self, decimals)

    def dot(self, other):
        return self._dot(self, other)

    def swapaxes(self, one, two):
        return np.swapaxes(self, one, two)

    def conj(self):
        return self

    def cumsum(self, axis=None):
        return self._accumulated("cumsum", axis)

    def cumprod(self, axis=None):
        return self._accumulated("cumprod", axis)


def _method(name):
    def method(self, axis=None, **named):
        return self._reduced(name, self, axis=axis, **named)

    method.__name__ = name
    return method


for _name in ("sum", "prod", "min", "max", "mean", "var", "std", "any", "all", "argmin", "argmax"):
    setattr(Traced, _name, _method(_name))

for _operator in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
):

    def _in_place(self, other, plain=getattr(Traced, f"__{_operator}__")):
        return self._replace(plain(self, other))

    setattr(Traced, f"__i{_operator}__", _in_place)


def _numpy_name(name):
    return name if name == "bool" else f"{name[0]}{int(name[1:]) // 8}"


def _slice(part):
    texts = []
    for bound in (part.start, part.stop, part.step):
        if bound is None:
            texts.append("")
        elif isinstance(bound, (int, np.integer)):
            texts.append(str(int(bound)))
        else:
            raise trace_error("only constant indices can be traced")
    return ":".join(texts if texts[2] else texts[:2])


def _constant(value):
    """A constant argument, such as an axis."""
    if isinstance(value, (tuple, list)):
        return f"({', '.join(_constant(v) for v in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    raise trace_error("an axis must be a constant; name the parameter in hotloop.jit(static=...)")


def _bound(args, kwargs, names):
    """Arguments by the names of parameters."""
    given = dict(zip(names, args))
    if len(args) > len(names) or set(kwargs) - set(names) - {"min", "max"} or set(given) & set(kwargs):
        raise trace_error("these options cannot be traced")
    given.update({key: value for key, value in kwargs.items() if key in names})
    return given


@functools.cache
def _language():
    from ._language import functions

    names = set()
    for function in functions().values():
        names.update((function.name, *function.aliases))
    return names
