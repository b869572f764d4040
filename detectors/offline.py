"""Libraries of others that would send, ask, install or write if they could, kept from all that.

`import openvino` reports itself to Google Analytics and keeps a number of this machine in the home folder;
ultralytics looks for a network, installs packages, downloads weights, counts what is done with it, and writes
settings into the home folder. Each function has to be called before the first import of its library, and may
be called again.
"""

import atexit
import logging
import os
import shutil
import sys
import tempfile

from detectors.device import limit_threads


def openvino_offline() -> None:
    """Before `import openvino`: what reports cannot be imported then, and it takes its own empty stub."""
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # as Python documents it


def ultralytics_offline() -> None:
    """Before `import ultralytics`: no network, no packages, no words, and settings in a passing folder.

    Weights in pickles are read by its list of what may stand in them, and what is not on it is refused.
    """
    if "ultralytics" in sys.modules:
        return
    openvino_offline()  # which it imports for exports
    folder = tempfile.mkdtemp(prefix="framewarden-ultralytics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update(
        YOLO_OFFLINE="1",  # it counts nothing and downloads nothing then
        YOLO_AUTOINSTALL="0",
        YOLO_VERBOSE="0",
        YOLO_CONFIG_DIR=folder,
        ULTRALYTICS_SAFE_LOAD="1",
    )
    import ultralytics  # noqa: F401

    words = logging.getLogger("ultralytics")  # of its own, on standard output; what matters is raised
    words.handlers.clear()
    words.addHandler(logging.NullHandler())
    words.propagate = False
    limit_threads()  # which it has just set anew
