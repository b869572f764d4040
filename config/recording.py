"""Why a path can hardly be a recording that can be watched; nothing is decoded for it."""

import stat
from pathlib import Path
from typing import Final

LOOKED_AT: Final = 512  # bytes
LISTS: Final = (b"#EXTM3U", b"v=0", b"ffconcat")  # text that names media: what reads video reads these, too
WORDS: Final = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\n\r")


def why_unwatchable(path: str) -> str:
    """In words that go after the path; empty where it may well be one."""
    try:
        kind = Path(path).stat().st_mode
        if stat.S_ISDIR(kind):
            return (
                "is a folder: name a recording in it, or write folder: for url: to watch all that come to it"
            )
        if not stat.S_ISREG(kind):
            return ""  # a pipe or a device: to look would be to take
        with Path(path).open("rb") as file:
            begins = file.read(LOOKED_AT)
    except PermissionError:
        return "may not be read by this user"
    except (OSError, ValueError):
        return "is not there, or not for this user"
    if not begins:
        return "is empty"
    if set(begins) <= WORDS and not begins.startswith(LISTS):
        return "is text, and no recording"
    return ""
