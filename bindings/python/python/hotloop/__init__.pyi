from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Literal, TypeAlias, final, overload

from numpy.typing import NDArray

__version__: str

_Array: TypeAlias = NDArray[Any]
_Order: TypeAlias = Literal["K", "C", "F"]
_Out: TypeAlias = _Array | Sequence[_Array | None] | dict[str, _Array] | None
_Progress: TypeAlias = bool | Callable[[int, int], object] | None

class CompileError(SyntaxError): ...
class Cancelled(Exception): ...
class TraceError(TypeError): ...

@final
class Function(tuple[Any, ...]):
    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def signature(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def ulp(self) -> float | None: ...
    @property
    def is_reduction(self) -> bool: ...

@final
class Program:
    def __new__(
        cls,
        text: str,
        *,
        fp: Literal["strict", "contract", "fast"] = "strict",
        threads: int | None = None,
        memory: int | None = None,
        order: _Order = "K",
    ) -> Program: ...
    @property
    def text(self) -> str: ...
    @property
    def inputs(self) -> tuple[str, ...]: ...
    @property
    def outputs(self) -> tuple[str | None, ...]: ...
    @property
    def options(self) -> dict[str, Any]: ...
    def __call__(
        self,
        *args: Any,
        out: _Out = None,
        order: _Order | None = None,
        progress: _Progress = None,
        **named: Any,
    ) -> Any: ...
    def submit(self, /, *args: Any, **kwargs: Any) -> Future[Any]: ...
    async def run_async(self, /, *args: Any, **kwargs: Any) -> Any: ...
    def explain(self, *types: Any, **named: Any) -> str: ...
    def explain_svg(self, *types: Any, **named: Any) -> str: ...

def compile(
    text: str,
    /,
    *,
    fp: Literal["strict", "contract", "fast"] = "strict",
    threads: int | None = None,
    memory: int | None = None,
    order: _Order = "K",
) -> Program: ...
def evaluate(text: str, /, *, out: _Out = None, order: _Order | None = None, **arrays: Any) -> Any: ...
def functions() -> dict[str, Function]: ...
@overload
def jit(
    function: Callable[..., Any], /, *, static: str | Sequence[str] = (), **options: Any
) -> Callable[..., Any]: ...
@overload
def jit(
    function: None = None, /, *, static: str | Sequence[str] = (), **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
