"""Programs in Dask's graphs.

`dask.config.set(array_optimize=hotloop.dask.optimize)` makes existing code faster: chains of NumPy's ufuncs
and operators, which Dask has fused into one task, are computed by one program for each block. (A Program
is a function of blocks, too: `dask.array.map_blocks(program, x, y)`; `map_overlap` is for windows.)
"""

import operator
from functools import partial

import numpy as np
from dask._task_spec import Alias, DataNode, Task, TaskRef, _execute_subgraph, execute_graph

from ._jit import Jitted

_OPERATORS = {
    getattr(operator, name)
    for name in (
        "add",
        "sub",
        "mul",
        "truediv",
        "floordiv",
        "mod",
        "pow",
        "neg",
        "pos",
        "abs",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "and_",
        "or_",
        "xor",
        "invert",
        "lshift",
        "rshift",
    )
}


def optimize(graph, keys, **options):
    """Dask's own optimization of arrays, whose fused tasks then compute chains of ufuncs by programs."""
    from dask.array.optimization import optimize as own

    return {key: _rewritten(task) for key, task in dict(own(graph, keys, **options)).items()}


def _rewritten(task):
    """A task whose subgraphs are computed by `_execute`."""
    if type(task) is not Task or task.func is not _execute_subgraph or task.kwargs:
        return task
    inner, *rest = task.args
    inner = {key: _rewritten(node) for key, node in inner.items()}
    return Task(task.key, _execute, inner, *rest, _data_producer=task.data_producer)


def _is_traceable(node):
    """Whether a task is a ufunc or an operator of other tasks and constants, which has no side effects."""
    if type(node) is not Task or node.kwargs:
        return False
    function = node.func
    try:
        is_operator = function in _OPERATORS
    except TypeError:
        return False
    if not is_operator and not (isinstance(function, np.ufunc) and function.nout == 1):
        return False
    return all(isinstance(part, (TaskRef, DataNode, Alias, int, float)) for part in node.args)


def _execute(inner, out_key, in_keys, *dependencies):
    """Computes a subgraph: its chains of ufuncs as programs, everything else as Dask does."""
    given = dict(zip(in_keys, dependencies))
    chains = {key for key, node in inner.items() if _is_traceable(node)}
    if len(chains) < 2:
        return _execute_subgraph(inner, out_key, in_keys, *dependencies)
    users = {}
    for key, node in inner.items():
        for other in node.dependencies:
            users.setdefault(other, set()).add(key)
    # The last tasks of chains, whose values others need.
    ends = [key for key in chains if key == out_key or not users.get(key, set()) <= chains]
    values = dict(given)
    rest = {key: node for key, node in inner.items() if key not in chains}

    def value(key):
        """The value of a task that is not inside a chain; chains before it are computed first."""
        if key not in values:
            if key in ends:
                values[key] = _chain(inner, chains, key, value)
            else:
                node = rest[key]
                for other in node.dependencies:
                    value(other)
                known = {other: DataNode(None, values[other]) for other in node.dependencies}
                values[key] = execute_graph({**known, key: node}, keys=[key])[key]
        return values[key]

    return value(out_key)


def _chain(inner, chains, end, value):
    """Computes the chain that ends with a task."""
    own, leaves, todo = {}, [], [end]
    while todo:
        key = todo.pop()
        if key in own or key in leaves:
            continue
        if key not in chains:
            leaves.append(key)
            continue
        own[key] = inner[key]
        todo.extend(inner[key].dependencies)
    values = [value(key) for key in leaves]
    arrays = [i for i, leaf in enumerate(values) if type(leaf) is np.ndarray]

    def run(*blocks):
        all_ = list(values)
        for i, block in zip(arrays, blocks):
            all_[i] = block
        known = {key: DataNode(None, leaf) for key, leaf in zip(leaves, all_)}
        return execute_graph({**own, **known}, keys=[end])[end]

    blocks = [values[i] for i in arrays]
    plain = all(
        type(leaf) in (np.ndarray, int, float, bool) or isinstance(leaf, np.generic) for leaf in values
    )
    if plain and len(own) > 1 and arrays:
        try:
            # Dask's workers have threads of their own.
            traced = Jitted(run, {"threads": 1}, ())._trace_of(blocks)
            if not traced.captured:
                return traced(blocks)
        except (TypeError, SyntaxError):
            # A dtype or an operation that programs do not have.
            pass
    return run(*blocks)


def map_overlap(program, *args, axis=0, **named):
    """A program of windows and shifts over Dask's arrays: each block begins with rows of the one before.

    As many as the program needs: it must depend on finitely many earlier rows, and on no later ones. Blocks
    are merged along other axes. The results have the bits of one call. Arrays of one shape are one argument
    each, by position or name, numbers too; the result has their shape.
    """
    import dask.array as da

    inputs = program.inputs
    if len(args) > len(inputs):
        raise TypeError(f"the program has {len(inputs)} inputs, but {len(args)} were given")
    placed = dict(zip(inputs, args))
    given = {**named, **placed}
    for name in named.keys() & placed.keys():
        raise TypeError(f"the argument {name!r} is given twice")
    missing = [name for name in inputs if name not in given]
    if missing:
        raise KeyError(f"missing argument {missing[0]!r}")
    if len(program.outputs) != 1:
        raise TypeError("map_overlap takes programs of one output; compile one for each")
    arrays = {name: da.asarray(given[name]) for name in inputs if np.ndim(given[name])}
    constants = {name: given[name] for name in inputs if name not in arrays}
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) != 1:
        raise ValueError(f"map_overlap takes arrays of one shape, not of {sorted(shapes)}")
    (shape,) = shapes
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"arrays of {len(shape)} axes have no axis {axis}")
    axis %= len(shape)
    # What needs later rows, or an axis that is not there, is an error of the stream.
    rowless = tuple(0 if i == axis else n for i, n in enumerate(shape))
    like = {name: np.broadcast_to(np.zeros((), a.dtype), rowless) for name, a in arrays.items()}
    stream = program.stream(**like, **constants, axis=axis - len(shape))
    if stream.reach is None:
        raise ValueError("a row of the result depends on all earlier rows; map_overlap is for windows and shifts")
    meta = stream.push(**like, **constants)
    if meta.shape != rowless:
        raise ValueError("the result of map_overlap must have the shape of the arrays")
    whole = {i: -1 for i in range(len(shape)) if i != axis}
    return da.map_overlap(
        partial(_of_blocks, program, tuple(arrays), tuple(constants.items())),
        *(array.rechunk(whole) for array in arrays.values()),
        depth={axis: (stream.reach, 0)},
        boundary="none",
        dtype=meta.dtype,
        meta=np.empty((0,) * len(shape), meta.dtype),
    )


def _of_blocks(program, names, constants, *blocks):
    return program(**dict(zip(names, blocks)), **dict(constants))


__all__ = ["map_overlap", "optimize"]
