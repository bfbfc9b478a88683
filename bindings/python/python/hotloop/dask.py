"""Programs in Dask's graphs.

`dask.config.set(array_optimize=hotloop.dask.optimize)` makes existing code faster: chains of NumPy's ufuncs
and operators, which Dask has fused into one task, are computed by one program for each block. (A Program
is a function of blocks, too: `dask.array.map_blocks(program, x, y)`.)
"""

import operator

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


__all__ = ["optimize"]
