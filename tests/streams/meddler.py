"""A hand-made server between a camera and who watches it, that spoils what the camera sends."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

Harm = Literal["none", "payload", "framing"]


class Meddler:
    """Stands between a camera and who watches it, and does harm to what the camera sends."""

    def __init__(self, port: int) -> None:
        self.harm: Harm = "none"
        self.harmed = 0  # pieces
        self._camera = port
        self._chance = random.Random(7)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Yields its port."""
        async with await asyncio.start_server(self._between, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()[1]

    async def _between(self, ours: asyncio.StreamReader, to_viewer: asyncio.StreamWriter) -> None:
        try:
            theirs, to_camera = await asyncio.open_connection("127.0.0.1", self._camera)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(ours, to_camera, meddles=False))
                group.create_task(self._carry(theirs, to_viewer, meddles=True))
        except* OSError:
            pass
        finally:
            to_viewer.close()

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, meddles: bool
    ) -> None:
        while piece := await source.read(4096):
            if meddles and self.harm != "none" and not piece.startswith(b"RTSP/"):
                piece = self._spoiled(piece)
            target.write(piece)
            await target.drain()
        target.close()

    def _spoiled(self, piece: bytes) -> bytes:
        self.harmed += 1
        spoiled = bytearray(piece)
        if self.harm == "framing":
            return bytes(self._chance.randbytes(len(piece)))
        for _ in range(1 + len(piece) // 200):  # behind the heads of packets, for the most part
            spoiled[self._chance.randrange(min(20, len(piece) - 1), len(piece))] ^= (
                1 << self._chance.randrange(8)
            )
        return bytes(spoiled)
