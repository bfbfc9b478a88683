"""`compile`, `evaluate`, and the methods of `Program` that are not part of a call."""

import sys

import numpy as np

from ._hotloop import Program, Stream, _Token

#: Programs by text and options; the oldest are dropped.
_programs: dict = {}
_MOST = 512


def compile(text, /, *, fp="strict", threads=None, memory=None, order="K"):
    """Compiles the text of a program.

    fp: 'strict' (IEEE 754 as written), 'contract' (fused multiply-adds) or 'fast'.
    threads: the most threads of a run; by default HOTLOOP_NUM_THREADS, OMP_NUM_THREADS or all cores.
    memory: a limit in bytes on temporary copies.
    order: the memory order of fresh outputs, 'K', 'C' or 'F'.

    Raises CompileError, a SyntaxError with the place in the text.
    """
    return Program(text, fp=fp, threads=threads, memory=memory, order=order)


def evaluate(text, /, *, out=None, order=None, **arrays):
    """Evaluates a program once. Without arrays, its inputs are the caller's variables."""
    program = _programs.get(text)
    if program is None:
        program = _known(text)
    if not arrays and program.inputs:
        frame = sys._getframe(1)
        own, module = frame.f_locals, frame.f_globals
        for name in program.inputs:
            if name in own:
                arrays[name] = own[name]
            elif name in module:
                arrays[name] = module[name]
    if "out" in program.inputs or "order" in program.inputs:
        raise KeyError("evaluate takes no inputs named out and order; use compile")
    if out is None and order is None:
        return program(**arrays)
    return program(**arrays, out=out, order=order)


def _known(text, options=()):
    """The program of this text and these options (a tuple of pairs), compiled once."""
    key = (text, options) if options else text
    program = _programs.get(key)
    if program is None:
        program = compile(text, **dict(options))
        while len(_programs) >= _MOST:
            _programs.pop(next(iter(_programs)), None)
        _programs[key] = program
    return program


def _restore(text, options):
    """A program that was pickled. Only text and options are; they are checked as any others."""
    if not isinstance(text, str) or not isinstance(options, dict):
        raise TypeError("a pickled program is a text and a dict of options")
    known = {"fp": str, "threads": int, "memory": int, "order": str}
    for name, value in options.items():
        if name not in known or type(value) is not known[name]:
            raise TypeError(f"a pickled program cannot have the option {name!r} = {value!r}")
    return _known(text, tuple(sorted(options.items())))


def stream(self, /, *like, axis=0, **named):
    """A Stream of rows that arrive along an axis of the inputs.

    Arguments are like those of each batch: their dtypes, and their extents along other axes; elements and
    the number of rows do not matter. Without them, the first push decides.
    """
    made = Stream(self, axis)
    if like or named:
        made._prepare(*like, **named)
    return made


def _restore_stream(program, axis, likes, snapshot):
    """A stream that was pickled; everything is checked as arguments of a user are."""
    if not isinstance(program, Program) or type(axis) is not int or not isinstance(likes, list):
        raise TypeError("a pickled stream is a program, an axis, the types of its inputs and a snapshot")
    made = Stream(program, axis)
    if likes:
        made._prepare(*map(_like, likes))
        if not isinstance(snapshot, bytes):
            raise TypeError("a pickled stream has a snapshot")
        made.restore(snapshot)
    return made


def _like(pair):
    """An array without memory of a dtype and a shape; a number, if it has none."""
    name, shape = pair
    if shape is None:
        return {"bool": False, "f64": 0.0}.get(name, 0)
    dtype = np.dtype("bool" if name == "bool" else f"{name[0]}{int(name[1:]) // 8}")
    return np.broadcast_to(np.zeros((), dtype), shape)


def _kind(value, classes):
    """The dtype of an input and the number of its shape; -1 is a single element, -2 a Python number."""
    if isinstance(value, (bool, int, float)) and not isinstance(value, np.generic):
        return {bool: "bool", int: "i64", float: "f64"}[type(value)], -2
    if isinstance(value, np.generic):
        return _dtype_name(value.dtype), -1
    if hasattr(value, "shape") and hasattr(value, "dtype") and not isinstance(value, type):
        dtype, shape = np.dtype(value.dtype), tuple(value.shape)
        if not shape:
            return _dtype_name(dtype), -1
        return _dtype_name(dtype), classes.setdefault(shape, len(classes))
    return _dtype_name(np.dtype(value)), classes.setdefault(None, len(classes))


def _dtype_name(dtype):
    if dtype.kind == "b":
        return "bool"
    return f"{dtype.kind}{8 * dtype.itemsize}"


def _types(program, given, named):
    inputs = program.inputs
    if len(given) > len(inputs):
        raise TypeError(f"the program has {len(inputs)} inputs, but {len(given)} types were given")
    types = {**dict(zip(inputs, given)), **named}
    classes = {}
    return [_kind(types.get(name, "f8"), classes) for name in inputs]


def explain(self, *types, **named):
    """The plan, the machine code's size and the graph as text.

    Arguments are arrays, numbers or dtypes; inputs that are not given are arrays of float64.
    """
    return self._explained(_types(self, types, named), False)


def explain_svg(self, *types, **named):
    """The passes over the data as an SVG picture; arguments as of `explain`."""
    return self._explained(_types(self, types, named), True)


def submit(self, /, *args, **kwargs):
    """Starts a call on another thread; returns a concurrent.futures.Future.

    Cancelling the future stops the run, also while it computes.
    """
    from concurrent.futures import Future

    future, token = Future(), _Token()

    def stop(done):
        if done.cancelled():
            token.cancel()

    def work():
        try:
            result, error = self._run(token, args, kwargs), None
        except BaseException as raised:
            result, error = None, raised
        # A future that runs could not be cancelled, so it is pending until here.
        if not future.set_running_or_notify_cancel():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    future.add_done_callback(stop)
    _workers().submit(work)
    return future


async def run_async(self, /, *args, **kwargs):
    """Calls the program without blocking the event loop; cancellation stops the run."""
    import asyncio

    return await asyncio.wrap_future(self.submit(*args, **kwargs))


_pool: tuple = (None, None)


def _workers():
    """The threads that wait for runs of `submit`, of this process."""
    global _pool
    import os
    from concurrent.futures import ThreadPoolExecutor

    process, pool = _pool
    if process != os.getpid():
        pool = ThreadPoolExecutor(thread_name_prefix="hotloop")
        _pool = os.getpid(), pool
    return pool


def _shown(text, most=60):
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _repr(self):
    options = "".join(f", {name}={value!r}" for name, value in self.options.items())
    return f"hotloop.compile({_shown(self.text)!r}{options})"


def _repr_html(self):
    import html

    inputs = ", ".join(html.escape(name) for name in self.inputs) or "none"
    outputs = ", ".join(html.escape(name) if name else "unnamed" for name in self.outputs)
    try:
        picture = self.explain_svg()
    except Exception as error:  # A program that takes no float64 arrays has no picture of them.
        picture = f"<p>{html.escape(str(error))}</p>"
    return f"<pre>{html.escape(self.text)}</pre><p>inputs: {inputs}; outputs: {outputs}</p>{picture}"


def _reduce(self):
    return _restore, (self.text, self.options)


def _tokenize(self):
    return "hotloop.Program", self.text, tuple(sorted(self.options.items()))


# The class is made by the extension module, without these methods.
for _name, _method in {
    "explain": explain,
    "explain_svg": explain_svg,
    "stream": stream,
    "submit": submit,
    "run_async": run_async,
    "__repr__": _repr,
    "_repr_html_": _repr_html,
    "__reduce__": _reduce,
    "__dask_tokenize__": _tokenize,
}.items():
    setattr(Program, _name, _method)
