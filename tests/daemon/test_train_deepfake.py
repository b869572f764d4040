"""Making the deepfake model by a command: what it needs, and that it can be interrupted."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from daemon import train
from daemon.train import train_deepfake
from detectors.faces.face import Face

MANY = 400  # photos


class Looking:
    """A face finder that finds nobody, says when it begins to look, and counts the photos."""

    looked = 0

    def __init__(self, began: asyncio.Event) -> None:
        self._began, self._loop = began, asyncio.get_running_loop()

    def find(self, picture: NDArray[np.uint8], smallest: int) -> Sequence[Face]:
        self.looked += 1
        self._loop.call_soon_threadsafe(self._began.set)
        return []


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Faces of one clip of either kind, photos, and something that is called a backbone."""
    shown = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for name in ("real/1_1", "fake/1_1", *(f"photos/{number}" for number in range(MANY))):
        file = tmp_path / f"{name}.png"
        file.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(file), shown)
    (tmp_path / "backbone.safetensors").write_bytes(b"not read so soon")
    return tmp_path


def test_it_ends_at_ctrl_c(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted() -> int:
        began = asyncio.Event()
        looking = Looking(began)
        monkeypatch.setattr(train, "Mtcnn", lambda _device: looking)
        backbone = str(data / "backbone.safetensors")
        work = train_deepfake(data, data / "out", "taef2", backbone, [data / "photos"], 1, None)
        task = asyncio.create_task(work)
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.get_running_loop().shutdown_default_executor()
        return looking.looked

    assert asyncio.run(interrupted()) < MANY // 2
    assert not (data / "out").exists()
