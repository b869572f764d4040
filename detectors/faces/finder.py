"""Who finds the faces: YuNet where the model store has it, else MTCNN, which is always there."""

from detectors.detection import DetectorError
from detectors.device import Device
from detectors.faces.face import FaceFinder
from detectors.faces.yunet import SUFFIX, Yunet
from detectors.store import Store, Weights

# What its file, or the folder that holds it, may be called in the store; the first that is there.
YUNET = (
    "yunet",
    "yunet_n_dynamic",
    "yunet_n_640_640",
    "face_detection_yunet_2023mar",
    "face_detection_yunet_2022mar",
)
ANY_SIZE = "dynamic"  # in the name of a file that is to be preferred


def choose_finder(store: Store, device: Device = "cpu") -> FaceFinder:
    """Reads the weights, which takes a moment. Raises DetectorError where these cannot be used."""
    weights = yunet_of(store)
    if weights is not None:
        return Yunet(weights)
    from detectors.faces.mtcnn import Mtcnn  # imports torch

    return Mtcnn(device)


def yunet_of(store: Store) -> Weights | None:
    """The file of YuNet in the store; None where there is none. Raises DetectorError where it is bad."""
    for name in YUNET:
        try:
            store.locate(name)
        except DetectorError:
            continue
        weights = store.find(name)
        if weights.path.is_file():
            return weights
        files = sorted(weights.path.rglob(f"*{SUFFIX}"), key=lambda file: (ANY_SIZE not in file.name, file))
        if not files:
            raise DetectorError(f"{weights.path} holds no {SUFFIX} file: put the one of YuNet into it")
        return store.find(str(files[0]))
    return None
