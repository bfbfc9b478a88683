"""The functions of the language."""

from . import _hotloop
from ._results import results_type

Function = results_type(("name", "aliases", "signature", "about", "ulp", "is_reduction"))
Function.__name__ = Function.__qualname__ = "Function"
Function.__doc__ = "A function of the language; `ulp` bounds its error, 0.5 being correctly rounded."


def functions():
    """The functions of the language by their names, aliases left out.

    >>> hotloop.functions()["hypot"].signature
    'hypot(x, y)'
    """
    table = {}
    for names, signature, about, ulp, is_reduction in _hotloop.functions():
        table[names[0]] = Function((names[0], tuple(names[1:]), signature, about, ulp, is_reduction))
    return table
