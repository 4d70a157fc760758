"""JSON files that others wrote: read as objects, and checked against the annotations of what takes their values."""

from __future__ import annotations

import contextlib
import inspect
import json
import math
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vdworld.memory_errors import allocation, is_out_of_memory

MAX_BYTES = 2**26  # of a JSON file; real ones are a thousand times smaller
_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, AssertionError)
_DEVICE_SIGNS = ("CUDA error", "CUBLAS_STATUS", "cuDNN error")  # the device failed, whatever the file holds
_LONGEST = 300  # characters of a cause


@contextlib.contextmanager
def reading(path: Path, advice: str = "Copy or save it again.") -> Iterator[None]:
    """A block that reads the values of a file; whatever is wrong with them becomes one line with the file's name.

    Args:
        path: The file.
        advice: The end of the message.

    Raises:
        ValueError: Something is wrong with the values.
        MemoryError: They do not fit into the memory.
    """
    try:
        yield
    except (*_ERRORS, MemoryError) as error:
        if is_out_of_memory(error):
            if str(path) in str(error):
                raise
            raise MemoryError(f"The memory is full while {path} is read: {allocation(error)}") from error
        if isinstance(error, RuntimeError) and any(sign in str(error) for sign in _DEVICE_SIGNS):
            raise
        cause = f"it lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        if str(path) in cause:
            raise ValueError(cause) from error  # the name is there already
        cause = _shortened(cause or type(error).__name__).rstrip(".")
        raise ValueError(f"{path} is damaged: {cause}. {advice}") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is something else, or too large.
    """
    return parse_json(read_bytes(path, MAX_BYTES), path)


def parse_json(content: bytes, path: Path) -> dict[str, Any]:
    """Parse the content of a JSON file that holds an object; errors as for ``read_json``."""
    with reading(path):
        values = json.loads(content)
        if not isinstance(values, dict):
            raise ValueError(f"it must hold a JSON object, got {type(values).__name__}.")
        return values


def read_bytes(path: Path, max_bytes: int | None = None) -> bytes:
    """Read a regular file: no pipe, which would wait for a writer, and no device, which may never end.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is larger than `max_bytes`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} must be a file. Copy or save it again.")
    if max_bytes is not None and (size := path.stat().st_size) > max_bytes:
        raise ValueError(f"{path} must have at most {max_bytes:,} bytes, got {size:,}.")
    return path.read_bytes()


def arguments_from_json(function: Callable[..., Any], values: Any, max_integer: float = math.inf) -> dict[str, Any]:
    """Return JSON values as keyword arguments of a function or class, lists as tuples where it takes tuples.

    Args:
        function: Its annotations say what each argument must be; those that are no plain values are not checked.
        values: The arguments by name, an object in JSON.
        max_integer: The largest whole number that an argument may be or hold, for sizes.

    Raises:
        ValueError: An argument is missing, unknown, of another type, or not finite.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"the settings of {function.__name__} must be an object, got {_shown(values)}.")
    parameters = {name: part for name, part in inspect.signature(function).parameters.items() if name != "self"}
    if unknown := [name for name in values if name not in parameters]:
        raise ValueError(
            f"`{function.__name__}` has no argument {', '.join(unknown)}. It takes {', '.join(parameters)}."
        )
    if missing := [n for n, part in parameters.items() if part.default is part.empty and n not in values]:
        raise ValueError(f"`{function.__name__}` lacks {', '.join(missing)}.")
    code = inspect.unwrap(function.__init__ if isinstance(function, type) else function)
    kinds = typing.get_type_hints(code)
    return {name: value_from_json(name, value, kinds[name], max_integer) for name, value in values.items()}


def value_from_json(name: str, value: Any, kind: Any, max_integer: float = math.inf) -> Any:
    """Return a JSON value as a type says, such as ``tuple[int, int] | None``.

    Args:
        name: What the message calls it.
        value: The value.
        kind: The type.
        max_integer: The largest whole number that it may be or hold.

    Raises:
        ValueError: It is of another type, or not finite.
    """
    try:
        return _converted(value, kind, max_integer)
    except TypeError:
        limit = f" up to {max_integer:,}" if isinstance(value, int) and abs(value) > max_integer else ""
        shown = kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")
        raise ValueError(f"`{name}` must be {shown}{limit}, got {_shown(value)}.") from None


def _converted(value: Any, kind: Any, max_integer: float) -> Any:
    """Return a value as a type says; raise TypeError if it is something else."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        for part in parts:
            with contextlib.suppress(TypeError):
                return _converted(value, part, max_integer)
    elif origin in (tuple, list, Sequence):
        if isinstance(value, list | tuple):
            varies = origin is not tuple or parts[-1] is Ellipsis
            kinds = [parts[0]] * len(value) if varies else parts
            if len(kinds) == len(value):
                return tuple(_converted(item, part, max_integer) for item, part in zip(value, kinds, strict=True))
    elif origin in (dict, Mapping):
        if isinstance(value, dict):
            return {_converted(k, parts[0], 0): _converted(v, parts[1], max_integer) for k, v in value.items()}
    elif kind is int:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= max_integer:
            return value
    elif kind is float:
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:  # not NaN either
            return value
    elif kind is None or kind is type(None):
        if value is None:
            return None
    elif kind is Any or not isinstance(kind, type) or isinstance(value, kind):
        return value  # among them objects that were built before
    raise TypeError


def _shown(value: Any) -> str:
    return _shortened(repr(value), 80)


def _shortened(text: str, length: int = _LONGEST) -> str:
    return text if len(text) <= length else f"{text[:length]}..."
