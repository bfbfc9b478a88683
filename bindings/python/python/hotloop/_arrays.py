"""Arguments that are neither plain arrays nor Python's own numbers; called by the extension module."""

import sys

import numpy as np

_ADVICE = {
    "c": "pass x.real and x.imag",
    "M": "pass x.view('i8')",
    "m": "pass x.view('i8')",
    "V": "pass its fields, x['name']",
    "O": "convert it with x.astype(float)",
    "S": "text is not supported",
    "U": "text is not supported",
    "T": "text is not supported",
    "f": "convert it with x.astype('f4') or x.astype('f8')",
}


def unsupported(name, dtype):
    """The error for an array of another dtype than those that programs compute with."""
    what = "objects" if dtype == object else f"dtype {dtype}"
    advice = _ADVICE.get(dtype.kind, "convert it")
    advice = advice.replace("x.", f"{name}.").replace("x[", f"{name}[")
    return TypeError(f"{name} is an array of {what}, which programs do not take; {advice}")


def _is_masked(value):
    masked = sys.modules.get("numpy.ma")
    return masked is not None and isinstance(value, masked.MaskedArray)


def imported(name, value):
    """The array or Python number that an argument is, without a copy wherever there need be none."""
    if isinstance(value, np.ndarray):
        if _is_masked(value):
            raise TypeError(f"{name} is a masked array; pass {name}.filled(value), or its data and mask")
        return value
    if isinstance(value, np.generic):
        return np.asarray(value)
    if isinstance(value, int):
        number = int(value)
        if -(2**63) <= number < 2**63:
            return number
        raise OverflowError(f"{name} is an int beyond 64 bits; pass a float or an array of its dtype")
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        raise TypeError(f"{name} is complex, which programs do not take; pass its parts")
    if value is None or isinstance(value, (str, dict, set)):
        raise TypeError(f"{name} is {type(value).__name__}, not an array or a number")
    if isinstance(value, (list, tuple)):
        try:
            return np.asarray(value)
        except ValueError as error:
            raise ValueError(f"{name} is a list that is no array: {error}") from None
    if type(value).__module__.partition(".")[0] == "polars":
        return _of_polars(name, value)
    if hasattr(value, "__array_interface__"):
        return np.asarray(value)
    if hasattr(value, "__cuda_array_interface__"):
        raise TypeError(f"{name} is on a device; copy it to memory first")
    if hasattr(value, "__array__"):
        return np.asarray(value)
    if hasattr(value, "__dlpack__"):
        device = getattr(value, "__dlpack_device__", lambda: (1, 0))()
        if device[0] not in (1, 3):
            raise TypeError(f"{name} is on a device; copy it to memory first")
        return np.from_dlpack(value)
    try:
        view = memoryview(value)
    except TypeError:
        message = f"{name} is {type(value).__name__}, not an array or a number"
        raise TypeError(message) from None
    return np.asarray(view)


def _of_polars(name, value):
    if not hasattr(value, "to_numpy") or hasattr(value, "columns"):
        raise TypeError(f"{name} is a {type(value).__name__}; pass its columns")
    try:
        return value.to_numpy(allow_copy=False)
    except RuntimeError as error:
        advice = "fill nulls with fill_null(), join chunks with rechunk()"
        raise TypeError(f"{name} cannot be used without a copy: {error}; {advice}") from None


def keys(value):
    """Keys of rows, as an array of int64 or a new list of str or bytes, and whether they are one key."""
    if isinstance(value, (str, bytes)):
        return [value], True
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return _integers(np.asarray(value)).reshape(1), True
    if isinstance(value, (list, tuple)):
        return _listed(list(value)), False
    array = np.asarray(value)
    if array.ndim == 0 and array.dtype.kind in "SUT":
        return [array.item()], True
    if array.ndim == 0 and array.dtype.kind not in "iu":
        raise TypeError(f"a key is {type(value).__name__}, not an integer, bytes or a string")
    if array.ndim > 1:
        raise ValueError(f"keys are an array of {array.ndim} axes; one key for each row is needed")
    if array.dtype.kind in "iu":
        return _integers(array).reshape(-1), array.ndim == 0
    if array.dtype.kind not in "SUTO" and array.size:
        advice = "; use x.view('i8')" if array.dtype.kind in "Mm" else ""
        raise TypeError(f"keys are of dtype {array.dtype}, not integers, bytes or strings{advice}")
    return _listed(array.tolist()), False


def _listed(keys):
    """A list of keys that is no one else's, or an array if they are integers."""
    if all(isinstance(key, (int, np.integer)) and not isinstance(key, bool) for key in keys):
        return _integers(np.array(keys, dtype=object))
    for row, key in enumerate(keys):
        if not isinstance(key, (str, bytes)):
            what = "an integer" if isinstance(keys[0], (int, np.integer)) else "bytes or a string"
            raise TypeError(f"the key of row {row} is {key!r}, not {what}")
    return keys


def _integers(array):
    """Keys as a dense array of int64."""
    if array.dtype != np.int64 and array.size:
        low, high = int(array.min()), int(array.max())
        if low < -(2**63) or high >= 2**63:
            raise OverflowError("keys are integers beyond 64 bits")
    return np.ascontiguousarray(array, dtype=np.int64)


def copy_rows(to, rows, axis, part):
    """Copies an array to another, or to the part of it from one row to another."""
    if part is not None:
        to = to[(slice(None),) * axis + (slice(*part),)]
    np.copyto(to, rows, casting="no" if to.dtype.isnative else "equiv")


def check_out(name, value):
    """Refuses what cannot be an output."""
    if not isinstance(value, np.ndarray):
        raise TypeError(f"out= for {name} is {type(value).__name__}, not an array")
    if _is_masked(value):
        raise TypeError(f"out= for {name} is a masked array; pass its data")


def progress(value):
    """The callback for `progress=`: None, or a function of the elements done and in total."""
    if value is None or value is False:
        return None
    if value is not True:
        if not callable(value):
            raise TypeError("progress= is True, None or a function of two numbers")
        return value
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError("progress=True needs tqdm; pass a function of two numbers instead") from None
    bar = tqdm(total=1, unit=" elements", unit_scale=True)

    def show(done, total):
        bar.total = total
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return show
