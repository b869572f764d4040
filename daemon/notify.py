"""What systemd is told: ready, how it is going, still alive, stopping (sd_notify(3))."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping

from config.secrets import hide

log = logging.getLogger(__name__)


class Notifier:
    """Speaks to the socket that $NOTIFY_SOCKET names, a path or '@abstract'; without it to nobody."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]
        self.watchdog_seconds = _watchdog_seconds(environ)  # None: nobody waits for a sign of life

    def ready(self, status: str = "") -> None:
        """Start-up is over."""
        self._send("READY=1", _status(status))

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(_status(text))

    def stopping(self, status: str = "") -> None:
        """Shut-down has begun."""
        self._send("STOPPING=1", _status(status))

    async def beat(self, well: Callable[[], bool]) -> None:
        """Gives signs of life, twice as often as asked, while `well()` says so; returns if none are wanted.

        Without them systemd kills the service and starts it anew: right for a hanging device, never for an
        absent camera.
        """
        was_well = True
        while self.watchdog_seconds is not None:
            if is_well := well():
                self._send("WATCHDOG=1")
            if was_well and not is_well:
                log.error("not well: no sign of life for systemd, which soon starts the service anew")
            was_well = is_well
            await asyncio.sleep(self.watchdog_seconds / 2)

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(1)  # only where systemd itself is overwhelmed
                out.sendto("\n".join(line for line in lines if line).encode(), self._address)
        except OSError as error:
            log.debug("systemd was not told %s: %s", lines[0], error)


def _status(text: str) -> str:
    return f"STATUS={' '.join(hide(text).split())}" if text else ""


def _watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    meant_for = environ.get("WATCHDOG_PID")
    if meant_for and meant_for != str(os.getpid()):
        return None  # inherited from a parent that is the one to be watched
    try:
        seconds = int(environ.get("WATCHDOG_USEC", "")) / 1e6
    except ValueError:
        return None
    return seconds if seconds > 0 else None
