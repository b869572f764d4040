"""Which method the settings ask for."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from config.detectors import AnomalySettings
from detectors.anomaly.cells import Cells
from detectors.anomaly.method import Method
from detectors.device import Device
from detectors.store import Store

if TYPE_CHECKING:
    from detectors.anomaly.maps_method import MapsMethod

Clock = Callable[[], float]


def method_for(settings: AnomalySettings, store: Store, device: Device) -> Method:
    """The one that ships, or that of the weights that are named, which are read now where they are there."""
    if settings.backbone:
        return backbone_method(settings.backbone, store, device)
    if settings.reconstruction:
        return reconstruction_method(settings.reconstruction, store, device)
    return Cells()


def backbone_method(
    wanted: str, store: Store, device: Device = "cpu", clock: Clock = time.monotonic
) -> "MapsMethod":
    """Judges the feature maps of a network; `wanted`: how the store finds its weights."""
    from detectors.anomaly.backbone import WIDE, open_backbone
    from detectors.anomaly.maps_method import MapsMethod

    return MapsMethod(f"backbone-1 {wanted}", WIDE, partial(open_backbone, wanted, store, device), clock)


def reconstruction_method(
    wanted: str, store: Store, device: Device = "cpu", clock: Clock = time.monotonic
) -> "MapsMethod":
    """Judges what a diffusion model of the user's restores; `wanted`: how the store finds its folder."""
    from detectors.anomaly.maps_method import MapsMethod
    from detectors.anomaly.reconstruction import WIDE, open_reconstruction

    opens = partial(open_reconstruction, wanted, store, device)
    return MapsMethod(f"reconstruction-1 {wanted}", WIDE, opens, clock)
