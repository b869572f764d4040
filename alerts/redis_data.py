"""Where the embedded redis-server keeps its data: a folder for each version, and damaged ones aside."""

import logging
import re
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)

# What redis-server 6 to 8 says of data that is damaged or of a newer version, and then ends.
_UNREADABLE = (
    r"Bad file format|Unexpected end of file|Wrong signature|RDB format version|Internal error in RDB"
    r"|[Ee]rror reading the RDB|Error loading data|manifest file|AOF file .* doesn't exist"
)
_REFUSED = r"No space left|Permission denied|Read-only"  # by the disk: no damage


def data_folder(folder: Path, version: tuple[int, int]) -> Path:
    """The folder for this version: an older one cannot read, or does not see, what a newer one wrote.

    A newer one takes over what an older one left. Raises OSError.
    """
    ours = folder / "data-{}.{}".format(*version)
    versions = {
        (int(match[1]), int(match[2])): path
        for path in folder.glob("data-*")
        if (match := re.fullmatch(r"data-(\d+)\.(\d+)", path.name))
    }
    older = [each for each in versions if each <= version]
    newer = [each for each in versions if each > version]
    if newer:
        log.warning(
            "The Redis Stream of redis-server %d.%d is kept in %s, but this is %d.%d and cannot read it",
            *max(newer), versions[max(newer)], *version,
        )  # fmt: skip
    if older and max(older) < version:
        versions[max(older)].rename(ours)
    return ours


def says_unreadable(words: str) -> bool:
    """Whether these last words of a server mean that its data is damaged, or of a newer version."""
    return bool(re.search(_UNREADABLE, words)) and not re.search(_REFUSED, words)


def set_aside(data: Path) -> Path:
    """Makes room for data that begins anew; returns where the old data is now. Raises OSError."""
    aside = data.with_name(f"{data.name}.unreadable-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    data.rename(aside)
    return aside
