"""Decoding on a card, where there is one that can; in software everywhere else."""

import av
import av.error
from av.codec import Codec
from av.codec.hwaccel import HWAccel, hwdevices_available

CODECS = ("h264", "hevc")  # what a card is asked for


def acceleration(wanted: str) -> HWAccel | None:
    """A card of the kind that is wanted, of any kind for auto; None where there is none that works here."""
    known = hwdevices_available()
    for kind in known if wanted == "auto" else [wanted]:
        if kind in known and _works(kind):
            return HWAccel(kind, allow_software_fallback=True)
    return None


def _works(kind: str) -> bool:
    """Asked with a decoder of its own: a card that is away would else keep the source from being opened."""
    for codec in CODECS:
        try:
            HWAccel(kind).create(Codec(codec, "r"))
        except (av.error.FFmpegError, NotImplementedError, ValueError):
            continue
        return True
    return False
