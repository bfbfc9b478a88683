"""The engine of pandas: functions of rows and elements, traced over whole columns."""

import numpy as np
import pandas  # type: ignore[import-untyped]

from ._jit import Jitted
from ._traced import trace_error


class Row:
    """A row of a table, whose elements are found by the names of columns."""

    def __init__(self, values):
        self._values = values

    def __getitem__(self, name):
        if name not in self._values:
            raise KeyError(name)
        return self._values[name]

    def __getattr__(self, name):
        if name.startswith("_") or name not in self._values:
            raise trace_error(f"rows in a traced function have no attribute {name!r}")
        return self._values[name]


class Engine:
    """The engine of pandas: `frame.apply(f, axis=1, engine=hotloop.jit)`, `series.map(f, engine=hotloop.jit)`."""

    @staticmethod
    def apply(data, func, args, kwargs, decorator, axis):
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
            return func(Row(values), *args, **kwargs)

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
