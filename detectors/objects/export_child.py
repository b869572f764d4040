"""The process that exports weights: `python -m detectors.objects.export_child FILE.pt FORM FOLDER`."""

import os
import shutil
import sys
from pathlib import Path

from detectors.device import limit_torch_threads
from detectors.offline import ultralytics_offline

AT_ONCE = 16  # pictures that a TensorRT engine takes
NICENESS = 10  # behind cameras, which cannot wait


def main(file: Path, form: str, folder: Path) -> None:
    """Leaves the export alone in the folder."""
    os.nice(NICENESS)
    limit_torch_threads()
    ultralytics_offline()
    from ultralytics.models import YOLO

    near = folder.parent / file.name  # it writes beside what it reads
    shutil.copyfile(file, near)
    more = {"quantize": 16, "batch": AT_ONCE, "device": 0} if form == "engine" else {"device": "cpu"}
    made = Path(YOLO(near).export(format=form, dynamic=True, verbose=False, **more))
    os.replace(made, folder / made.name)  # noqa: PTH105 - a file or a folder
    near.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
