"""`@hotloop.jit`: a function of NumPy calls and operators, traced into a program.

The function is called once for each combination of dtypes and numbers of axes, with objects that note
what happens to them. Whatever depends on a value raises `TraceError` and names the line: no branch is
ever taken silently.
"""

import functools
import inspect
import keyword
import re
import sys

import numpy as np

from ._arrays import imported
from ._program import compile

_RESERVED = {"pi", "inf", "nan", "e", "np", "numpy", "math", "out", "order", "progress"}

_OPERATORS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//", "remainder": "%",
    "power": "**", "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "left_shift": "<<",
    "right_shift": ">>", "equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=",
    "greater": ">", "greater_equal": ">=",
}
_PREFIXES = {"negative": "-", "positive": "+", "invert": "~"}
_RENAMED = {"absolute": "abs", "conjugate": "+", "fabs": "abs"}
_REDUCED = {
    "add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all",
    "logical_or": "any",
}
_ACCUMULATED = {"add": "cumsum", "multiply": "cumprod", "maximum": "cummax", "minimum": "cummin"}
_REDUCTIONS = {
    "sum", "prod", "min", "max", "amin", "amax", "mean", "var", "std", "any", "all", "count_nonzero",
    "argmin", "argmax", "nansum", "nanmean", "nanmin", "nanmax", "nanvar", "nanstd", "nanprod", "ptp",
}
#: Ufuncs of two results.
_PAIRS = {"divmod", "modf", "frexp"}
#: Functions that are the language's, with the names of their parameters.
_FUNCTIONS = {
    "where": ("condition", "x", "y"), "isclose": ("a", "b", "rtol", "atol"), "sinc": ("x",),
    "nan_to_num": ("x", "nan"), "round": ("a", "decimals"), "around": ("a", "decimals"),
}


class TraceError(TypeError):
    """What a traced function cannot do."""


def _user_frame():
    """The innermost frame of the traced function's own code."""
    frame = sys._getframe(1)
    own, numpy = __file__, np.__path__[0]
    while frame is not None and (frame.f_code.co_filename == own or frame.f_code.co_filename.startswith(numpy)):
        frame = frame.f_back
    return frame


def _error(message):
    frame = _user_frame()
    if frame is None:
        return TraceError(message)
    return TraceError(f"{message} ({frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name})")


def _dtype_name(dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return "bool"
    if dtype.kind not in "iuf" or dtype.itemsize > 8 or (dtype.kind == "f" and dtype.itemsize < 4):
        raise _error(f"programs do not take {dtype}")
    return f"{dtype.kind}{8 * dtype.itemsize}"


class _Trace:
    """The program that a call of the function writes."""

    def __init__(self, elementwise=False):
        self.lines, self.captured, self.names, self.count = [], [], {}, 0
        # Whether values stand for single elements, which have no axes.
        self.elementwise = elementwise

    def check_axes(self, what):
        """Refuses what goes along axes, where values stand for single elements."""
        if self.elementwise:
            raise _error(f"{what} goes along an axis, but the function is applied to single elements")

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
                raise _error("a value of another call is used; return it instead of keeping it")
            return value._name
        if isinstance(value, (bool, np.bool_)):
            return "True" if value else "False"
        if isinstance(value, np.generic):
            return f"{_dtype_name(value.dtype)}({_number(value.item())})"
        if isinstance(value, (int, float)):
            return _number(value)
        if isinstance(value, np.ndarray):
            _dtype_name(value.dtype)
            return self.captured_name(value)
        if isinstance(value, (list, tuple)):
            raise _error("a list is combined with an array; make it an array outside of the function")
        raise _error(f"{type(value).__name__} is no operand")

    def line(self, text, sample, of=None):
        """A value that the text computes; `sample` has its dtype and number of axes."""
        known = self.names.get(text)
        if known is None:
            self.count += 1
            known = self.names[text] = f"t{self.count}"
            self.lines.append(f"{known} = {text}")
        return Traced(self, known, _sample(sample), of)


def _number(value):
    if isinstance(value, float):
        if value != value:
            return "nan"
        if value in (float("inf"), float("-inf")):
            return "inf" if value > 0 else "(-inf)"
    return repr(value) if value >= 0 and not str(value).startswith("-") else f"({value!r})"


def _sample(value):
    """An array of one element with the dtype and number of axes of another, or a Python number."""
    if isinstance(value, (bool, int, float)) and not isinstance(value, np.generic):
        return value
    value = np.asarray(value)
    return np.ones((1,) * value.ndim, value.dtype) if value.ndim else np.ones((), value.dtype)


def _sample_of(value):
    return value._sample if isinstance(value, Traced) else value if np.isscalar(value) else _sample(value)


def _typed(function, *operands, **named):
    """What NumPy makes of samples: a result with the right dtype and number of axes."""
    with np.errstate(all="ignore"):
        try:
            return function(*map(_sample_of, operands), **named)
        except (TypeError, ValueError) as error:
            raise _error(str(error)) from None


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that notes what is done to it."""

    __slots__ = ("_trace", "_name", "_sample", "_of", "_viewed")
    __hash__ = None
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
        raise _error("shapes are not known in a traced function, which is compiled for all shapes")

    size = property(shape.fget)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise _error(f"arrays in a traced function have no attribute {name!r}")

    def _refuse(self, *_, **__):
        raise _error("the value of an array is not known in a traced function; use np.where instead of a condition")

    __bool__ = __int__ = __float__ = __complex__ = __index__ = _refuse

    def __len__(self):
        raise _error("lengths are not known in a traced function, which is compiled for all shapes")

    def __iter__(self):
        raise _error("arrays in a traced function cannot be iterated over")

    def __contains__(self, value):
        raise _error("the elements of an array are not known in a traced function")

    def __array__(self, *_, **__):
        raise _error("a function that cannot be traced takes an array")

    def __setitem__(self, key, value):
        raise _error("elements cannot be assigned in a traced function; use np.where")

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
                raise _error("only constant indices can be traced, not masks and arrays; use np.where")
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
            raise _error("a traced function cannot change its arguments in place; assign the result")
        if self._of is not None or self._viewed:
            raise _error("an array and a view of it cannot be changed in place in a traced function")
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise _error(f"{result.dtype} cannot be stored in an array of {self.dtype}")
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
            raise _error(f"np.{name}.{method} cannot be traced")
        named = {key: value for key, value in named.items() if value is not None and value is not True}
        if named:
            raise _error(f"np.{name} with {', '.join(named)}= cannot be traced")
        # A number to the left may be a weak argument: NumPy's rules see the samples.
        terms = [trace.term(value) for value in inputs]
        sample = _typed(ufunc, *inputs)
        if name in _PAIRS:
            both = trace.line(f"{name}({', '.join(terms)})", 0.0)
            trace.lines.pop()
            pair = f"{both._name}a, {both._name}b"
            trace.lines.append(f"{pair} = {name}({', '.join(terms)})")
            return tuple(Traced(trace, n, _sample(s)) for n, s in zip(pair.split(", "), sample))
        if name in _OPERATORS:
            text = f" {_OPERATORS[name]} ".join(terms)
        elif name in _PREFIXES:
            text = _PREFIXES[name] + terms[0]
        elif name == "conjugate":
            text = terms[0]
        else:
            name = _RENAMED.get(name, name)
            if name not in _language():
                raise _error(f"np.{name} cannot be traced")
            text = f"{name}({', '.join(terms)})"
        result = trace.line(text, sample)
        if out is not None:
            target = out[0]
            if not isinstance(target, Traced):
                raise _error("out= of a traced call must be an array of the function")
            return target._replace(result)
        return result

    def __array_function__(self, function, types, args, kwargs):
        name = function.__name__
        trace = self._trace
        if name in _REDUCTIONS:
            return self._reduced(name, *args, **kwargs)
        if name in ("cumsum", "cumprod"):
            return _bound(args, kwargs, ("a", "axis"))["a"]._accumulated(name, kwargs.get("axis", args[1] if len(args) > 1 else None))
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
                raise _error(f"np.{name} with these options cannot be traced")
            dtype = _dtype_name(kwargs.get("dtype") or array.dtype)
            filled = trace.line(f"full_like({array._name}, {trace.term(fill)})", array._sample)
            return filled.astype(dtype if dtype == "bool" else np.dtype(_numpy_name(dtype)))
        if name in _FUNCTIONS:
            given = _bound(args, kwargs, _FUNCTIONS[name])
            if name == "where" and len(given) != 3:
                raise _error("np.where needs a condition and two values to be traced")
            terms = [trace.term(given[key]) for key in _FUNCTIONS[name][: len(given)] if key in given]
            if len(terms) < len(given):
                raise _error(f"np.{name} with these options cannot be traced")
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
        raise _error(f"np.{name} cannot be traced")

    def _dot(self, a, b):
        self._trace.check_axes("np.dot")
        if np.ndim(_sample_of(a)) != 1 or np.ndim(_sample_of(b)) != 1:
            raise _error("products of matrices cannot be traced")
        text = f"dot({self._trace.term(a)}, {self._trace.term(b)})"
        return self._trace.line(text, _typed(np.dot, a, b))

    def _reduced(self, name, array, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True, ddof=None, **other):
        if out is not None or other or not isinstance(array, Traced):
            raise _error(f"np.{name} with these options cannot be traced")
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
            text += f", dtype={_dtype_name(dtype)}"
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
                raise _error(f"np.{name} without an axis flattens, which cannot be traced")
            axis = 0
        return self._trace.line(f"{name}({self._name}, axis={_constant(axis)})", _typed(getattr(np, name, np.cumsum), self, axis=axis))

    def _clipped(self, array, low, high):
        trace = self._trace
        bounds = ", ".join("None" if bound is None else trace.term(bound) for bound in (low, high))
        return trace.line(f"clip({trace.term(array)}, {bounds})", _typed(np.clip, array, low, high) if low is not None or high is not None else array._sample)

    def _differences(self, n, axis):
        if not isinstance(n, int) or not 0 <= n < 100:
            raise _error("np.diff needs a constant number of differences")
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
            raise _error(f"{self.dtype} cannot be cast to {np.dtype(dtype)} by the rule {casting!r}")
        return self._trace.line(f"{_dtype_name(dtype)}({self._name})", np.asarray(self._sample).astype(dtype))

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

for _operator in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"):

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
            raise _error("only constant indices can be traced")
    return ":".join(texts if texts[2] else texts[:2])


def _constant(value):
    """A constant argument, such as an axis."""
    if isinstance(value, (tuple, list)):
        return f"({', '.join(_constant(v) for v in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    raise _error("an axis must be a constant; name the parameter in hotloop.jit(static=...)")


def _bound(args, kwargs, names):
    """Arguments by the names of parameters."""
    given = dict(zip(names, args))
    if len(args) > len(names) or set(kwargs) - set(names) - {"min", "max"} or set(given) & set(kwargs):
        raise _error("these options cannot be traced")
    given.update({key: value for key, value in kwargs.items() if key in names})
    return given


@functools.cache
def _language():
    from ._language import functions

    names = set()
    for function in functions().values():
        names.update((function.name, *function.aliases))
    return names


#: The most programs of one function.
_MOST_TRACES = 1000


def _plain_key(args):
    """The dtypes and numbers of axes of arrays, and the types of numbers; None if there is anything else."""
    key = []
    for value in args:
        kind = type(value)
        if kind is np.ndarray:
            key += (value.dtype, value.ndim)
        elif kind is float or kind is int:
            key.append(kind)
        else:
            return None
    return tuple(key)


class Jitted:
    """A function that is traced and compiled for the dtypes and numbers of axes that it is called with."""

    def __init__(self, function, options, static, elementwise=False):
        functools.update_wrapper(self, function)
        self._elementwise = elementwise
        self._function, self._options, self._static = function, options, frozenset(static)
        self._signature, self._traces, self._plain_traces = inspect.signature(function), {}, {}
        kinds = {parameter.kind for parameter in self._signature.parameters.values()}
        plain = kinds <= {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
        # The number of parameters, if a call may skip `Signature.bind`, which takes microseconds.
        self._count = len(self._signature.parameters) if plain and not self._static else -1

    def __repr__(self):
        return f"<hotloop.jit of {self._function.__qualname__}>"

    def __get__(self, instance, owner=None):
        return self if instance is None else functools.partial(self, instance)

    def __reduce__(self):
        # By name, as functions are.
        return self.__qualname__

    def __call__(self, *args, **kwargs):
        plain = None
        if not kwargs and len(args) == self._count:
            plain = _plain_key(args)
            traced = self._plain_traces.get(plain)
            if traced is not None:
                return traced(args)
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        key, arrays = [], []
        for name, part, static in self._parts(bound):
            if isinstance(part, Traced):
                # Called by a function that is traced: part of that one's program.
                return self._function(*args, **kwargs)
            if static:
                key.append((type(part), part))
                continue
            part, of, is_traced = _argument(name, part)
            key.append(of)
            if is_traced:
                arrays.append(part)
        try:
            traced = self._traces.get(tuple(key))
        except TypeError:
            raise TypeError("a static argument of a traced function must be hashable") from None
        if traced is None:
            if len(self._traces) >= _MOST_TRACES:
                self._traces.clear()
                self._plain_traces.clear()
            traced = self._traces[tuple(key)] = self._trace(bound)
            if plain is not None:
                self._plain_traces[plain] = traced
        return traced(arrays)

    def _parts(self, bound):
        """The arguments with their names, and whether each is a constant."""
        for name, value in bound.arguments.items():
            kind = self._signature.parameters[name].kind
            if name in self._static:
                yield name, value, True
            elif kind is inspect.Parameter.VAR_POSITIONAL:
                yield name, len(value), True
                for part in value:
                    yield name, part, False
            elif kind is inspect.Parameter.VAR_KEYWORD:
                yield name, tuple(value), True
                for key, part in value.items():
                    yield key, part, False
            else:
                yield name, value, False

    def program(self, *args, **kwargs):
        """The program that a call with these arguments runs."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return self._trace(bound).program

    def _trace_of(self, args):
        """The trace for these arguments, which is not kept."""
        return self._trace(self._signature.bind(*args))

    def _trace(self, bound):
        trace, used, inputs = _Trace(self._elementwise), set(), []

        def traced(name, value):
            value, _, is_traced = _argument(name, value)
            if not is_traced:
                return value
            plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and not re.fullmatch(r"(t|arg|captured)\d+[ab]?", name)
            fits = plain and name not in _RESERVED and name not in used and not keyword.iskeyword(name)
            own = name if fits else f"arg{len(inputs)}"
            used.add(own)
            inputs.append(own)
            if not isinstance(value, (int, float)):
                _dtype_name(value.dtype)
            return Traced(trace, own, _sample(value), "argument")

        arguments = {}
        for name, value in bound.arguments.items():
            kind = self._signature.parameters[name].kind
            if name in self._static:
                arguments[name] = value
            elif kind is inspect.Parameter.VAR_POSITIONAL:
                arguments[name] = tuple(traced(f"{name}_{i}", v) for i, v in enumerate(value))
            elif kind is inspect.Parameter.VAR_KEYWORD:
                arguments[name] = {key: traced(key, v) for key, v in value.items()}
            else:
                arguments[name] = traced(name, value)
        call = inspect.BoundArguments(self._signature, arguments)
        result = self._function(*call.args, **call.kwargs)
        outputs = []
        build = _builder(result, outputs, trace)
        names = inputs + [name for name, _ in trace.captured]
        program = None
        if outputs:
            program = compile("\n".join([*trace.lines, ", ".join(outputs)]), **self._options)
        return _Traced(program, names, [array for _, array in trace.captured], build)


class _Traced:
    """The program of a trace, and what surrounds its call."""

    def __init__(self, program, names, captured, build):
        self.program, self.captured, self.build = program, captured, build
        # The program's inputs are in the order of their first use; some are not read.
        self.order = [names.index(name) for name in program.inputs] if program else []
        self.single = program is not None and len(program.outputs) == 1
        self.in_order = not captured and self.order == list(range(len(names)))

    def __call__(self, arrays):
        if self.program is None:
            return self.build(())
        if self.in_order:
            results = self.program(*arrays)
            if self.build is _whole:
                return results
        else:
            arrays = [*arrays, *self.captured]
            results = self.program(*[arrays[i] for i in self.order])
        if self.single:
            results = (results,)
        elif isinstance(results, dict):
            results = tuple(results.values())
        return self.build(results)


def _argument(name, value):
    """An argument, its part of the key, and whether it is traced."""
    kind = type(value)
    if kind is np.ndarray:
        return value, (value.dtype, value.ndim), True
    if kind is float or kind is int:
        return value, kind, True
    if value is None or kind in (bool, str, bytes, tuple):
        return value, (kind, value), False
    if isinstance(value, (list, dict, set)) or callable(value):
        raise TypeError(f"{name} is {kind.__name__}; pass arrays, or name it in hotloop.jit(static=...)")
    value = imported(name, value)
    if type(value) in (int, float):
        return value, type(value), True
    return value, (value.dtype, value.ndim), True


def _builder(result, outputs, trace):
    """A function that makes the result of the function from those of the program."""

    def part(value):
        if isinstance(value, Traced):
            term = trace.term(value)
            if term not in outputs:
                outputs.append(term)
            at = outputs.index(term)
            return lambda results: results[at]
        if isinstance(value, (list, tuple)):
            parts = [part(v) for v in value]
            kind = type(value)
            make = kind._make if hasattr(kind, "_make") else kind
            return lambda results: make([p(results) for p in parts])
        if isinstance(value, dict):
            parts = {key: part(v) for key, v in value.items()}
            return lambda results: {key: p(results) for key, p in parts.items()}
        return lambda results: value

    built = part(result)
    return _whole if isinstance(result, Traced) else built


def _whole(results):
    """The result of a function that returns one array."""
    return results[0]


def jit(function=None, /, *, static=(), **options):
    """Compiles a function of NumPy calls and operators: `@hotloop.jit`.

    It is traced once for each combination of dtypes and numbers of axes. int and float arguments are weak
    numbers; bool, str and None are constants, as are the parameters named in `static`. Arrays of the
    surroundings are kept as they are when the function is traced. Options are those of `compile`.
    """
    if function is None:
        return lambda function: jit(function, static=static, **options)
    if isinstance(static, str):
        static = (static,)
    return Jitted(function, options, static)


class _Row:
    """A row of a table, whose elements are found by the names of columns."""

    def __init__(self, values):
        self._values = values

    def __getitem__(self, name):
        if name not in self._values:
            raise KeyError(name)
        return self._values[name]

    def __getattr__(self, name):
        if name.startswith("_") or name not in self._values:
            raise _error(f"rows in a traced function have no attribute {name!r}")
        return self._values[name]


class _Pandas:
    """The engine of pandas: `frame.apply(f, axis=1, engine=hotloop.jit)`, `series.map(f, engine=hotloop.jit)`."""

    @staticmethod
    def apply(data, func, args, kwargs, decorator, axis):
        import pandas

        if not isinstance(data, pandas.DataFrame):
            raise NotImplementedError("raw=True is not supported by hotloop.jit; leave it out")
        if axis in (0, "index"):
            whole = decorator(func)
            results = {name: whole(data[name].to_numpy(), *args, **kwargs) for name in data.columns}
            if all(np.ndim(result) == 0 for result in results.values()):
                return pandas.Series(results)
            return pandas.DataFrame(results, index=data.index)
        used = []

        def over(*columns):
            values = {name: column for name, column in zip(used, columns)}
            return func(_Row(values), *args, **kwargs)

        # Columns of other dtypes are left out: a row without them does.
        used += [name for name in data.columns if getattr(data[name].dtype, "kind", "O") in "biuf"]
        columns = [data[name].to_numpy() for name in used]
        result = _over_elements(over)(*columns)
        if not isinstance(result, np.ndarray) or result.ndim != 1:
            raise NotImplementedError("the function of a row must return one number computed from it")
        return pandas.Series(result, index=data.index)

    @staticmethod
    def map(data, func, args, kwargs, decorator, skip_na):
        if skip_na:
            raise NotImplementedError("na_action='ignore' is not supported by hotloop.jit")
        return _over_elements(lambda x: func(x, *args, **kwargs))(data.to_numpy())


def _over_elements(function):
    return Jitted(function, {}, (), elementwise=True)


jit.__pandas_udf__ = _Pandas
