"""The contenders: each turns a workload and its arrays into calls to be timed."""

import hashlib
import importlib.util
import math
import os
import re
import sys

import numpy as np

DTYPES = {"u8": "u1", "i16": "i2", "i32": "i4", "u32": "u4", "i64": "i8", "u64": "u8", "f32": "f4", "f64": "f8"}
F = np.float32


def squares_and_c(x, y):
    """|z|^2 after ten steps of z*z + c from zero, c = x + iy."""
    a, b = x, y
    for _ in range(9):
        a, b = a * a - b * b + x, 2 * a * b + y
    return a * a + b * b


def logistic_map(x):
    for _ in range(10):
        x = 3.7 * x * (1 - x)
    return x


class Hotloop:
    """The Python package, whose calls are timed as they are."""

    name = "hotloop"

    def __init__(self, threads):
        import hotloop
        from hotloop._hotloop import _isa
        self.compile, self.threads, self.isa = hotloop.compile, threads, os.environ.get("HOTLOOP_ISA") or _isa()

    def calls(self, workload, inputs, outputs):
        for label, mode in (("strict", workload.mode), ("fast", "fast")):
            program = self.compile(workload.program, fp=mode, threads=self.threads)
            arguments = [inputs[name] for name in program.inputs]
            out = outputs[0] if len(outputs) == 1 else tuple(outputs)

            def call(program=program):
                program(*arguments, out=out)
                return outputs
            yield label, call

    def forget(self):
        pass


class Numpy:
    name = "numpy"

    def __init__(self, threads):
        import scipy.special
        self.erf = scipy.special.erf

    def calls(self, workload, inputs, outputs):
        code = compile(workload.numpy, "numpy", "eval")
        names = {"np": np, "F": F, "erf": self.erf, "squares_and_c": squares_and_c,
                 "logistic_map": logistic_map, **inputs}
        yield "", lambda: eval(code, names)

    def forget(self):
        pass


class Numexpr:
    name = "numexpr"

    def __init__(self, threads):
        import numexpr
        self.module = numexpr
        numexpr.set_num_threads(threads)

    def calls(self, workload, inputs, outputs):
        if workload.numexpr is None:
            return
        evaluate, text = self.module.evaluate, workload.numexpr
        if text.startswith("sum("):
            yield "", lambda: evaluate(text, local_dict=inputs)
        elif workload.n <= 100_000:
            evaluate(text, local_dict=inputs, out=outputs[0], casting="unsafe")
            compiled = self.module.NumExpr(text, signature=[(k, np.double) for k in sorted(inputs)])
            arguments = [inputs[k] for k in sorted(inputs)]
            yield "", lambda: compiled(*arguments, out=outputs[0], ex_uses_vml=False)
        else:
            yield "", lambda: evaluate(text, local_dict=inputs, out=outputs[0], casting="unsafe")

    def forget(self):
        pass


class Numba:
    """Numba's loops, with and without `fastmath`; on several threads also without them, as a small
    array may be faster on one."""

    name = "numba"
    HEAD = """import numpy as np
from numba import njit, prange
from math import sin, cos, exp, log, log1p, sqrt, erf
from math import asin as arcsin
F = np.float32

"""

    def __init__(self, threads):
        import numba
        import warnings
        from numba.core import config
        warnings.simplefilter("ignore", numba.errors.NumbaPerformanceWarning)
        self.threads, self.svml = threads, config.USING_SVML
        numba.set_num_threads(threads)

    def function(self, source, parallel, fast):
        options = f"fastmath={fast}, error_model='numpy', parallel={parallel}, cache=True"
        source = f"{self.HEAD}@njit({options})\n{source}"
        if not parallel:
            source = source.replace("prange(", "range(")
        # A real file, for Numba's cache on disk.
        digest = hashlib.sha256((source + os.environ.get("NUMBA_CPU_NAME", "")).encode()).hexdigest()
        path = os.path.join(os.environ["PEERS_FOLDER"], f"loop_{digest[:16]}.py")
        with open(path, "w") as file:
            file.write(source)
        spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module.loop

    def calls(self, workload, inputs, outputs):
        names = list(inputs) + [f"out{i}" for i in range(len(outputs))]
        body = workload.numba
        if not body.startswith("    "):
            body = re.sub(rf"\b({'|'.join(names)})\b", r"\1[at_]", body)
            body = "".join(f"        {line}\n" for line in body.strip().splitlines())
            body = f"    for at_ in prange({names[0]}.shape[0]):\n{body}"
        source = f"def loop({', '.join(names)}):\n{body}"
        arguments = [*inputs.values(), *outputs]
        for fast in (False, True):
            for parallel in {self.threads > 1, self.threads > 1 and workload.n > 200_000}:
                loop = self.function(source, parallel, fast)

                def call(loop=loop):
                    loop(*arguments)
                    return outputs
                yield ("fastmath" if fast else "strict") + (", one thread" if self.threads > 1 > parallel else ""), call

    def forget(self):
        pass


class Jax:
    name = "jax"

    def __init__(self, threads):
        import jax
        jax.config.update("jax_enable_x64", True)
        self.jax = jax

    def calls(self, workload, inputs, outputs):
        jnp, names = self.jax.numpy, list(inputs)
        text = workload.jax or workload.numpy
        scope = {"np": jnp, "F": F, "erf": self.jax.scipy.special.erf,
                 "squares_and_c": squares_and_c, "logistic_map": logistic_map}
        compiled = self.jax.jit(eval(f"lambda {', '.join(names)}: {text}", scope))
        arguments = [self.jax.device_put(np.ascontiguousarray(a)) for a in inputs.values()]
        block = self.jax.block_until_ready
        yield "", lambda: block(compiled(*arguments))

    def forget(self):
        pass


CONTENDERS = [Hotloop, Numpy, Numexpr, Numba, Jax]
