"""Writes down what Python objects hold, arrays and plain values, and fills new objects with it.

Not pickle: what is read may come from a stranger, so it names no code, only classes from a list.
"""

import dataclasses
import io
import json
import math
import zipfile
import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

import numpy as np

TREE: Final = "tree.json"
LARGEST: Final = 200_000_000  # bytes that a snapshot may hold, unpacked
# What zipfile, zlib, numpy and wrong entries raise; RuntimeError: encrypted, or nested too deeply.
_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, OverflowError,
    KeyError, ValueError, TypeError, IndexError, AttributeError, MemoryError,
)  # fmt: skip
_KINDS: Final = "biuf"  # numbers and truth values: the arrays that a snapshot may hold


class SnapshotError(Exception):
    """It cannot be read; says why."""


def pack(root: object, given: Mapping[str, object]) -> bytes:
    """A zip file of what an object holds, with all that hangs on it.

    Objects in `given` are written as their name alone: whoever unpacks has them already.
    """
    writer = _Writer({id(value): name for name, value in given.items()})
    tree = writer.write(root)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr(TREE, json.dumps(tree))
        for number, array in enumerate(writer.arrays):
            with file.open(f"{number}.npy", "w") as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    return buffer.getvalue()


def unpack(packed: bytes, classes: Sequence[type], given: Mapping[str, object]) -> Any:
    """The object again; nothing that is not in `classes` is made. Raises SnapshotError."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as file:
            if sum(entry.file_size for entry in file.infolist()) > LARGEST:
                raise SnapshotError("it is too large")
            arrays = []
            for number in range(len(file.namelist()) - 1):
                with file.open(f"{number}.npy") as entry:
                    arrays.append(np.lib.format.read_array(entry, allow_pickle=False))
            tree = json.loads(file.read(TREE))
        return _Reader({one.__qualname__: one for one in classes}, given, arrays).read(tree)
    except _DAMAGE as error:
        raise SnapshotError(f"it is damaged ({type(error).__name__})") from error


class _Writer:
    def __init__(self, given: Mapping[int, str]) -> None:
        self.arrays: list[np.ndarray[Any, Any]] = []
        self._given = given
        self._written: dict[int, int] = {}  # id: number, of what several may hold
        self._kept: list[object] = []  # so that no id is used twice

    def write(self, value: Any) -> Any:
        if (name := self._given.get(id(value))) is not None:
            return {"given": name}
        if value is None or (isinstance(value, (bool, int, str)) and not isinstance(value, Enum)):
            return value
        if type(value) is float:  # not numpy's own
            return value if math.isfinite(value) else {"float": str(value)}
        if isinstance(value, tuple):
            return {"tuple": [self.write(each) for each in value]}
        if (number := self._written.get(id(value))) is not None:
            return {"again": number}
        number = self._written[id(value)] = len(self._kept)
        self._kept.append(value)
        return {"number": number, **self._whole(value)}

    def _whole(self, value: Any) -> dict[str, Any]:
        match value:
            case np.ndarray() | np.generic():
                array = np.asarray(value)
                if array.dtype.kind not in _KINDS:
                    raise TypeError(f"an array of {array.dtype} cannot be kept")
                self.arrays.append(array)
                return {"array" if isinstance(value, np.ndarray) else "scalar": len(self.arrays) - 1}
            case list():
                return {"list": [self.write(each) for each in value]}
            case deque():
                return {"deque": [self.write(each) for each in value], "maxlen": value.maxlen}
            case dict():
                return {"dict": [[self.write(key), self.write(each)] for key, each in value.items()]}
            case Enum():
                return {"class": type(value).__qualname__, "value": value.value}
        return {
            "class": type(value).__qualname__,
            "fields": {name: self.write(getattr(value, name)) for name in _fields(value)},
        }


class _Reader:
    def __init__(
        self,
        classes: Mapping[str, type],
        given: Mapping[str, object],
        arrays: Sequence[np.ndarray[Any, Any]],
    ) -> None:
        self._classes, self._given, self._arrays = classes, given, arrays
        self._read: dict[int, Any] = {}

    def read(self, tree: Any) -> Any:
        match tree:
            case {"given": name}:
                return self._given[name]
            case {"float": text}:
                return float(text)
            case {"tuple": items}:
                return tuple(self.read(each) for each in items)
            case {"again": number}:
                return self._read[number]
            case {"number": int(number)}:
                value = self._read[number] = self._empty(tree)
                self._fill(value, tree)
                return value
            case dict() | list():
                raise ValueError("an unknown entry")
        return tree

    def _empty(self, tree: dict[str, Any]) -> Any:
        match tree:
            case {"array": place}:
                return self._arrays[place]
            case {"scalar": place}:
                return self._arrays[place][()]
            case {"list": _}:
                return []
            case {"deque": _, "maxlen": maxlen}:
                return deque(maxlen=maxlen)
            case {"dict": _}:
                return {}
            case {"class": name, "value": value}:
                return self._classes[name](value)
            case {"class": name, "fields": _}:
                return object.__new__(self._classes[name])
        raise ValueError("an unknown entry")

    def _fill(self, value: Any, tree: dict[str, Any]) -> None:
        match tree:
            case {"list": items} | {"deque": items}:
                value.extend(self.read(each) for each in items)
            case {"dict": items}:
                value.update({self.read(key): self.read(each) for key, each in items})
            case {"fields": fields}:
                for name, each in fields.items():
                    object.__setattr__(value, name, self.read(each))  # also where it is frozen


def _fields(value: object) -> list[str]:
    if dataclasses.is_dataclass(value):
        return [field.name for field in dataclasses.fields(value)]
    if not hasattr(value, "__dict__"):
        raise TypeError(f"{type(value).__qualname__} cannot be kept")
    return list(vars(value))
