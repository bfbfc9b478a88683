from typing import final

from . import Cancelled as Cancelled
from . import CompileError as CompileError
from . import Program as Program
from . import Stream as Stream

@final
class _Token:
    def cancel(self) -> None: ...

def functions() -> list[tuple[list[str], str, str, float | None, bool]]: ...
