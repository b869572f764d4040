"""A decoding child's line to its parent, and the slots of shared memory that its pictures go through."""

import mmap
import socket
import time
from collections import Counter
from collections.abc import Iterable

from streams.message import FILM, SHARE, SLOTS, Alive, Clip, Job, Message, pack
from streams.ring import Ring
from streams.thinning import Thinning

SIGN_OF_LIFE = 0.5  # seconds between two messages at most, while packets come


class Outlet:
    """The line to the parent, and the slots of shared memory that the pictures go through."""

    def __init__(self, channel: socket.socket, memory: int, job: Job) -> None:
        self.counts: Counter[str] = Counter()
        self._channel = channel
        self._size = job.slot_bytes
        self._patient = not job.live
        self._pixels = memoryview(mmap.mmap(memory, SLOTS * self._size))
        self._free = list(range(SLOTS))
        self._told = time.monotonic()
        self.ring = Ring(job.clip_seconds, job.clip_bytes)
        self.thinning = Thinning()

    def tell(self, message: Message) -> None:
        """Sends a message, and with it what was counted since the last."""
        self._channel.sendall(pack(message, dict(self.counts)))
        self.counts.clear()
        self._told = time.monotonic()

    def show_life(self) -> None:
        """Lets the parent know that reading goes on."""
        if time.monotonic() - self._told >= SIGN_OF_LIFE:
            self.tell(Alive())

    def hear(self, *, wait: bool = False) -> None:
        """What the parent says: it gives slots back, asks for a clip, or names the share to keep."""
        try:
            said = self._channel.recv(16, 0 if wait else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        if not said:
            raise BrokenPipeError
        for byte in said:
            if byte == FILM:
                self.ring.want(time.monotonic())
            elif byte >= SHARE:
                self.thinning.share = (byte - SHARE) / 100
            else:
                self._free.append(byte)

    def wants(self) -> bool:
        """Whether there is room for one more picture that is due."""
        self.hear()
        if self.thinning.keep():
            return True
        self.counts["dropped_shed"] += 1
        return False

    def slot(self) -> int | None:
        """A slot to write to. For a recording this waits; for a live source there may be none."""
        while self._patient and not self._free:
            self.hear(wait=True)
        return self._free.pop() if self._free else None

    def hand_over(self, clip: bytes) -> None:
        """Sends a clip, whole, through the line."""
        self.counts["clips" if clip else "clips_failed"] += 1
        self.tell(Clip(len(clip)))
        self._channel.sendall(clip)

    def write(self, slot: int, planes: Iterable[memoryview]) -> None:
        """Copies a picture's bytes into its slot, plane after plane."""
        start = slot * self._size
        for plane in planes:
            self._pixels[start : start + len(plane)] = plane
            start += len(plane)
