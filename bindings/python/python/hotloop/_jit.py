"""`@hotloop.jit`: a function of NumPy calls and operators, traced into a program.

The function is called once for each combination of dtypes and numbers of axes, with arrays that note what
is done to them. Whatever depends on a value raises `TraceError` and names the line: no branch is ever taken
silently.
"""

import functools
import inspect
import keyword
import re

import numpy as np

from ._arrays import imported
from ._program import compile
from ._traced import Trace, Traced, dtype_name, sample_like

_RESERVED = {"pi", "inf", "nan", "e", "np", "numpy", "math", "out", "order", "progress"}

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
        trace, used, inputs = Trace(self._elementwise), set(), []

        def traced(name, value):
            value, _, is_traced = _argument(name, value)
            if not is_traced:
                return value
            plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and not re.fullmatch(
                r"(t|arg|captured)\d+[ab]?", name
            )
            fits = plain and name not in _RESERVED and name not in used and not keyword.iskeyword(name)
            own = name if fits else f"arg{len(inputs)}"
            used.add(own)
            inputs.append(own)
            if not isinstance(value, (int, float)):
                dtype_name(value.dtype)
            return Traced(trace, own, sample_like(value), "argument")

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


class _Pandas:
    """What pandas calls for `engine=hotloop.jit`; the module is loaded when it does."""

    @staticmethod
    def apply(**call):
        from ._pandas import Engine

        return Engine.apply(**call)

    @staticmethod
    def map(**call):
        from ._pandas import Engine

        return Engine.map(**call)


setattr(jit, "__pandas_udf__", _Pandas)
