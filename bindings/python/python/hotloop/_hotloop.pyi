from typing import Any, final

from numpy.typing import NDArray

from . import Cancelled as Cancelled
from . import CompileError as CompileError
from . import Program as Program
from . import Stream as Stream

@final
class _Token:
    def cancel(self) -> None: ...

def _seconds(
    program: Program, inputs: list[NDArray[Any]], outputs: list[NDArray[Any]], runs: int
) -> float: ...
def _isa() -> str: ...
def functions() -> list[tuple[list[str], str, str, float | None, bool]]: ...
