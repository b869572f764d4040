"""Where the detectors compute: the processor or a CUDA card, and with how many threads."""

from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import cv2

from detectors.detection import DetectorError

Device = Literal["cpu", "cuda"]
OPENVINO_ONE_THREAD: Final[dict[str, Any]] = {
    "PERFORMANCE_HINT": "LATENCY",
    "NUM_STREAMS": 1,
    "INFERENCE_NUM_THREADS": 1,
    "ENABLE_CPU_PINNING": False,  # decoders need the cores, too: the kernel may move us
}
OPENVINO_SHAPES: Final = 4  # of pictures, for each of which a network is kept compiled: 16:9, 4:3, and slices


def openvino_quick(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """OPENVINO_ONE_THREAD in the precision that is quicker.

    OpenVINO takes bfloat16 wherever the processor knows it; without matrix units that only costs conversions.
    """
    try:
        matrix_units = "amx_bf16" in cpuinfo.read_text()
    except OSError:
        matrix_units = True  # not Linux: OpenVINO knows better
    return OPENVINO_ONE_THREAD | ({} if matrix_units else {"INFERENCE_PRECISION_HINT": "f32"})


def choose_device(wanted: Literal["auto", "cpu", "cuda"]) -> Device:
    """The device for a detector that needs torch, which is imported here and not before.

    Raises DetectorError where `cuda` is demanded and there is none.
    """
    if wanted == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        built = torch.version.cuda
        why = "this torch is built without CUDA" if built is None else f"torch (CUDA {built}) finds no card"
        raise DetectorError(
            f"service.device is 'cuda', but {why}: set it to 'auto' or 'cpu', or install a driver and a "
            "CUDA build of torch"
        )
    return "cpu"


def limit_threads() -> None:
    """One thread for OpenCV: all detectors share one device thread, and decoding needs the other cores.

    Two workers with two threads each are slower than two with one: they wait for each other.
    """
    cv2.setNumThreads(1)


def limit_torch_threads() -> None:
    """The same for torch, before its first work. Too late, its inter-op pool, which we never use, stays."""
    import torch

    torch.set_num_threads(1)
    with suppress(RuntimeError):
        torch.set_num_interop_threads(1)
