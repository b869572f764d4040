"""What a packet is to the others of its stream, told by its first bytes alone: nothing is decoded."""

LOOKED_AT = 4096  # bytes of it: parameter sets and the like may come before the picture
_H264_PICTURE = {1, 5}
_HEVC_PICTURES = 32  # kinds below it
_START = b"\x00\x00\x01"


def rank_of(head: bytes, codec: str) -> int:
    """Packets of one rank are built alike, so their sizes compare.

    H.264: how much others build upon it, 0..3. H.265: the temporal layer, and whether others of it build upon
    it. Other codecs have one rank. `head` is the beginning of the packet, with start codes or with lengths.
    """
    if codec not in ("h264", "hevc"):
        return 0
    place = 0
    marked = head.startswith((_START, b"\x00" + _START))
    while True:
        if marked:
            place = head.find(_START, place) + 3
            if place < 3:
                return 0
        else:
            place += 4
        if place + 1 >= len(head):
            return 0
        if codec == "h264":
            if head[place] & 31 in _H264_PICTURE:
                return head[place] >> 5 & 3
        elif (kind := head[place] >> 1 & 63) < _HEVC_PICTURES:
            return 2 * (head[place + 1] & 7) + (kind % 2 if kind < 16 else 1)
        if not marked:
            place += int.from_bytes(head[place - 4 : place], "big")
