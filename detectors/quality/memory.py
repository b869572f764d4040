"""What the checks know of a camera, kept on disk: one file a camera, replaced as a whole."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from config.whole_file import write_whole

VERSION = b"framewarden quality 1\n"  # what the figures mean: those of another version are useless
LARGEST = 2**20  # bytes

Kept = dict[str, NDArray[np.float32]]


class KeptError(Exception):
    """What stands in a file cannot be used; the text says why."""


def kept(figures: ArrayLike) -> NDArray[np.float32]:
    """Figures of any shape, as they are kept."""
    return np.array(figures, np.float32)


def save(memory: Kept, path: Path) -> None:
    """Writes what is kept in place of what was there: all of it or nothing. Raises OSError."""
    blob = io.BytesIO()
    np.savez(blob, **memory)  # type: ignore[arg-type]
    body = blob.getvalue()
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    write_whole(path, VERSION + hashlib.sha256(body).digest() + body)


def load(path: Path) -> Kept | None:
    """What a file keeps, None where there is none. Raises KeptError."""
    try:
        with path.open("rb") as file:
            blob = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeptError(f"it cannot be read: {error.strerror}") from error
    if not blob.startswith(VERSION):
        raise KeptError("it was written by another version, or is damaged")
    digest, body = blob[len(VERSION) :][:32], blob[len(VERSION) + 32 :]
    if hashlib.sha256(body).digest() != digest:
        raise KeptError("it is damaged: it is not what was written")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as file:
            memory = {name: np.asarray(file[name], np.float32) for name in file.files}
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise KeptError(f"it is damaged ({type(error).__name__})") from error
    if not all(np.isfinite(each).all() for each in memory.values()):
        raise KeptError("it is damaged: it holds figures that are none")
    return memory
