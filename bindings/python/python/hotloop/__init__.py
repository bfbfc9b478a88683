"""Array expressions compiled to fused native loops.

>>> import hotloop, numpy as np
>>> program = hotloop.compile("sin(a)**2 + cos(b)**2")
>>> program(np.zeros(3), np.zeros(3))
array([1., 1., 1.])
>>> a = np.arange(3.0)
>>> hotloop.evaluate("a * 2 + 1")
array([1., 3., 5.])
"""

from ._hotloop import Cancelled, CompileError, Program, Stream
from ._language import Function, functions
from ._program import compile, evaluate

__version__ = "0.1.0"
__all__ = [
    "Cancelled",
    "CompileError",
    "Function",
    "Program",
    "Stream",
    "compile",
    "evaluate",
    "functions",
    "jit",
]


def __getattr__(name):
    # The tracer is loaded when it is used.
    if name in ("jit", "TraceError"):
        from . import _jit, _traced

        globals().update(jit=_jit.jit, TraceError=_traced.TraceError)
        return globals()[name]
    raise AttributeError(f"module 'hotloop' has no attribute {name!r}")


def load_ipython_extension(shell):
    """Adds the cell magic %%hotloop: `%load_ext hotloop`."""
    from ._notebook import register

    register(shell)
