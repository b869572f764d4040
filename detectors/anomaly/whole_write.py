"""Writes all of it, or raises: an unbuffered file may take a part only, as on a disk that is nearly full."""

from io import RawIOBase


def write_all(file: RawIOBase, blob: bytes) -> None:
    """At the place where `file` stands. Raises OSError; a part may stand there then."""
    left = memoryview(blob)
    while left:
        left = left[file.write(left) or 0 :]
