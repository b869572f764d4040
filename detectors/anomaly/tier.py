"""Which method the settings ask for."""

from config.detectors import AnomalySettings
from detectors.anomaly.cells import Cells
from detectors.anomaly.method import Method
from detectors.device import Device
from detectors.store import Store


def method_for(settings: AnomalySettings, store: Store, device: Device) -> Method:
    """The one that ships, or that of the backbone that is named. Weights are read when first needed."""
    if settings.backbone is None:
        return Cells()
    from detectors.anomaly.backbone_method import BackboneMethod

    return BackboneMethod(settings.backbone, store, device)
