"""The method for those who name a backbone: denoises the feature maps of a network trained on photographs."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly import backbone_learning, backbone_normal
from detectors.anomaly.backbone import WIDE, Backbone
from detectors.anomaly.backbone_normal import BackboneNormal
from detectors.anomaly.backbone_score import BackboneScorer
from detectors.anomaly.backbone_view import Maps
from detectors.anomaly.method import Progress, Seen
from detectors.device import Device
from detectors.store import Store


class BackboneMethod:
    """Looks at pictures of at most WIDE px. The weights are read with the first picture, and asked for again
    with every further one while they are missing.
    """

    width = WIDE

    def __init__(self, wanted: str, store: Store, device: Device = "cpu") -> None:
        """`wanted`: how the store finds the weights."""
        self.name = f"backbone-1 {wanted}"
        self._wanted, self._store, self._device = wanted, store, device
        self._ready: tuple[Backbone, int] | None = None

    def view(self, picture: NDArray[np.uint8]) -> Maps:
        """The maps of a picture (H, W, 3) BGR. Raises DetectorError where there are no such weights."""
        if self._ready is None:
            weights = self._store.find(self._wanted)
            self._ready = Backbone(weights, self._device), int(weights.sha256[:7], 16)
        backbone, network = self._ready
        return Maps(backbone.maps(picture), network)

    def pack(self, view: Maps) -> bytes:
        """The numbers as they are."""
        return view.values.tobytes()

    def unpack(self, packed: memoryview, like: Maps) -> Maps:
        """The view again; `like` is one of the same shape."""
        values = np.frombuffer(packed, np.float16, like.values.size).reshape(like.values.shape)
        return Maps(values, like.network)

    def learn(
        self,
        footage: Sequence[Seen],
        start: BackboneNormal | None,
        progress: Progress,
        stopped: Callable[[], bool],
    ) -> BackboneNormal:
        """A camera's normal from views of one shape."""
        return backbone_learning.learn(footage, start, progress, stopped)

    def save(self, learned: BackboneNormal, folder: Path) -> str:
        """Writes it in place of what was there, and returns its hash. Raises OSError."""
        return backbone_normal.save(learned, folder)

    def load(self, folder: Path) -> BackboneNormal | None:
        """What was learned, None where there is nothing. Raises NormalError."""
        return backbone_normal.load(folder)

    def scorer(self, learned: BackboneNormal) -> BackboneScorer:
        """Judges one stream by what was learned."""
        return BackboneScorer(learned)
