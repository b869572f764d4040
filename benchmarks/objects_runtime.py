"""What finding objects costs beside the bare runtime of the same weights on the same pictures, at one thread.

    python -m benchmarks.objects_runtime FOLDER MODEL [--pictures 24] [--rounds 5]

FOLDER: photos. MODEL: a folder of OpenVINO, as `yolov8n_int8_openvino_model`. Bare is the compiled network
alone, asked for pictures that lie ready as it wants them. The two are asked in turn, picture by picture, and
what is given is the median of the processor's time, which other programs do not lengthen by waiting, but by
crowding the caches.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.device import OPENVINO_ONE_THREAD, limit_threads, limit_torch_threads
from detectors.objects.boxes import read
from detectors.objects.openvino_runtime import OpenVinoRuntime
from detectors.objects.runtimes import file_of
from detectors.objects.yolo import FLOOR, Placed, YoloFinder, sides
from detectors.offline import openvino_offline
from detectors.store import Store
from streams.frame import Frame

BAR = 1.1


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("model")
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    limit_threads()
    limit_torch_threads()
    weights = Store([Path(asked.model).absolute().parent]).find(str(Path(asked.model).absolute()))
    file = file_of(weights)
    runtime = OpenVinoRuntime(file)
    finder = YoloFinder(runtime, weights.name, weights.sha256)
    files = sorted(asked.folder.glob("*.jpg"))[: asked.pictures]
    pictures: list[Any] = [cv2.resize(_read(each), (1280, 720)) for each in files]
    bare = _bare(file)
    spent: dict[str, list[float]] = {"bare": [], "finder": [], "letterbox": [], "run": [], "boxes": []}
    for _ in range(asked.rounds):
        for picture in pictures:
            frame = Frame("bench", 0, picture, datetime.now(UTC), 0.0, 0.0, live=False)
            height, width = sides(runtime.network, *picture.shape[:2])
            place: Any = Placed(runtime.network, picture, height, width)
            ready = np.ascontiguousarray(place.shown[None, ..., ::-1].transpose(0, 3, 1, 2)).astype(
                np.float32
            )
            ready /= 255
            shown: Any = place.shown[None]
            answer = runtime.run(shown).copy()
            boxes = partial(read, answer[0], runtime.network.answer, len(finder.labels))
            spent["bare"].append(_timed(partial(bare, ready)))
            spent["finder"].append(_timed(partial(finder.find, [frame])))
            spent["letterbox"].append(_timed(partial(Placed, runtime.network, picture, height, width)))
            spent["run"].append(_timed(partial(runtime.run, shown)))
            spent["boxes"].append(_timed(partial(boxes, width, height, FLOOR)))
    middle = {name: 1e3 * float(np.median(each)) for name, each in spent.items()}
    ratio = float(np.median(np.divide(spent["finder"], spent["bare"])))
    print(f"{finder.name}, {len(pictures)} pictures of 1280x720, {asked.rounds} rounds, 1 thread")
    print("| part | ms |\n|---|---|")
    names = {
        "bare": "bare runtime, a tensor that lies ready",
        "finder": "finder, from the frame to the objects",
        "letterbox": "- shrinking and bars",
        "run": "- network, and bytes to numbers inside its graph",
        "boxes": "- boxes and non-maximum suppression",
    }
    for name, words in names.items():
        print(f"| {words} | {middle[name]:.1f} |")
    print(f"\nfinder / bare, median of pairs: {ratio:.3f} (bar {BAR}: {'met' if ratio <= BAR else 'missed'})")


def _read(file: Path) -> Any:
    picture = cv2.imread(str(file))
    if picture is None:
        raise SystemExit(f"{file} is no picture")
    return picture


def _bare(file: Path) -> Callable[[NDArray[np.float32]], Any]:
    openvino_offline()
    import openvino

    core = openvino.Core()
    request = core.compile_model(core.read_model(file), "CPU", OPENVINO_ONE_THREAD).create_infer_request()
    return lambda tensor: request.infer({0: tensor}, share_inputs=True, share_outputs=True)[0]


def _timed(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
