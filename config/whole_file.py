"""Writes a small file whole or not at all, through crashes and power cuts."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_NO_SUCH_THING: Final = {errno.EINVAL, errno.ENOTSUP}  # some network file systems sync no folder


def write_whole(path: Path, body: bytes, mode: int = 0o666) -> None:
    """Puts `body` in place of what was there. A reader never sees half of it; a full disk leaves no litter.

    Once it returns, the new file outlives a power cut. `mode`: its permissions, less the umask's. Written by
    root, it belongs to whom its folder belongs: the daemon, which reads it, runs as somebody else. One writer
    at a time. Raises OSError; the old file then stands, or the new one as a whole.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.unlink(missing_ok=True)
        # Never through a link that somebody else left there.
        opened = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(opened, "wb") as file:
            if os.geteuid() == 0:
                owner = path.parent.stat()
                os.fchown(opened, owner.st_uid, owner.st_gid)
            file.write(body)
            file.flush()
            os.fsync(opened)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Without it, a power cut could take the new name back."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in _NO_SUCH_THING:
            raise
    finally:
        os.close(opened)
