"""Cameras that hang on one host go offline together: a switch, a recorder or its power is gone."""

from collections import defaultdict
from typing import Final

HOST_OFFLINE: Final = "host_offline"


class Hosts:
    """Pure. Which streams share a host, which of them have a picture, and which hosts are down."""

    def __init__(self, wait: float) -> None:
        """`wait`: seconds that an alert of one camera waits for those of the others."""
        self.wait = wait
        self.down: set[str] = set()
        self._host_of: dict[str, str] = {}
        self._streams_of: defaultdict[str, set[str]] = defaultdict(set)
        self._seeing: dict[str, bool] = {}  # by stream: was its last sight a picture

    def add(self, stream: str, host: str) -> None:
        """`host` is empty where the stream has none, as a recording."""
        self.remove(stream)
        if host:
            self._host_of[stream] = host
            self._streams_of[host].add(stream)

    def remove(self, stream: str) -> None:
        """The stream is no longer watched."""
        self._seeing.pop(stream, None)
        if host := self._host_of.pop(stream, ""):
            self._streams_of[host].discard(stream)
            if not self._streams_of[host]:
                del self._streams_of[host]

    def note(self, stream: str, picture: bool) -> None:
        """What the stream's last sight was."""
        if stream in self._host_of:
            self._seeing[stream] = picture

    def host_of(self, stream: str) -> str:
        """Empty for one that shares its host with no other."""
        host = self._host_of.get(stream, "")
        return host if len(self._streams_of.get(host, ())) > 1 else ""

    def streams_of(self, host: str) -> frozenset[str]:
        """All that are watched there."""
        return frozenset(self._streams_of.get(host, ()))

    def look_again(self, host: str) -> None:
        """Forgets who has a picture there: a camera that went a moment ago still has its last one."""
        for stream in self.streams_of(host):
            self._seeing.pop(stream, None)

    def another_sees(self, stream: str) -> bool:
        """Whether another camera of the same host has a picture: then the host is not down."""
        return any(self._seeing.get(each, False) for each in self.streams_of(self.host_of(stream)) - {stream})
