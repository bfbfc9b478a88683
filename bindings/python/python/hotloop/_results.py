"""Named tuples of several results, made without `exec`, which `collections.namedtuple` calls."""

import keyword
from operator import itemgetter

_types: dict[tuple, type] = {}


def results_type(names):
    """The class for outputs of these names; None if a name cannot be a field."""
    names = tuple(names)
    known = [name for name in names if name is not None]
    taken = {"count", "index"}
    if any(keyword.iskeyword(n) or n.startswith("_") or n in taken or not n.isidentifier() for n in known):
        return None
    if len(set(known)) < len(known):
        return None
    if names not in _types:
        if len(_types) > 1000:
            _types.clear()
        fields = {name: property(itemgetter(i)) for i, name in enumerate(names) if name}
        _types[names] = type("Results", (Results,), {"__slots__": (), "_names": names, **fields})
    return _types[names]


def _restore(names, values):
    return results_type(names)(values)


class Results(tuple):
    """The outputs of a program in order; named ones are attributes."""

    __slots__ = ()
    _names = ()

    @property
    def _fields(self):
        return tuple(name for name in self._names if name)

    def _asdict(self):
        """The results by name, or by position if they have none."""
        return {i if name is None else name: value for i, (name, value) in enumerate(zip(self._names, self))}

    def __repr__(self):
        shown = (f"{name}={value!r}" if name else repr(value) for name, value in zip(self._names, self))
        return f"Results({', '.join(shown)})"

    def __reduce__(self):
        return _restore, (self._names, tuple(self))
