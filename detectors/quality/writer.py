"""Writes what the checks know, on its own thread: a disk that hangs holds up neither pictures nor the end."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from detectors.quality.memory import Kept, save

PATIENCE = 5.0  # seconds that the end waits for the disk
log = logging.getLogger(__name__)


class Writer:
    """The newest of each camera, one after the other. `counts`: unsaved."""

    def __init__(
        self,
        counts: Counter[str],
        save: Callable[[Kept, Path], None] = save,
        patience: float = PATIENCE,
    ) -> None:
        self.counts = counts
        self._save = save
        self._patience = patience
        self._waiting: dict[Path, Kept] = {}  # and what is being written just now
        self._turn = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="quality-memory", daemon=True)
        self._thread.start()

    def put(self, memory: Kept, path: Path) -> None:
        """Has it written some time; what waits for the same place is not written any more."""
        with self._turn:
            self._waiting[path] = memory
            self._turn.notify()

    def waiting(self, path: Path) -> Kept | None:
        """What is not written there yet."""
        with self._turn:
            return self._waiting.get(path)

    def close(self) -> None:
        """Writes what waits, as far as the disk takes it soon."""
        with self._turn:
            self._closed = True
            self._turn.notify()
        self._thread.join(self._patience)
        with self._turn:
            left = list(self._waiting)
        for path in left:
            self._lose(path, f"the disk did not take it within {self._patience:g} s")

    def _work(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                path, memory = next(iter(self._waiting.items()))
            try:
                self._save(memory, path)
            except OSError as error:
                self._lose(path, str(error.strerror))
            with self._turn:
                if self._waiting[path] is memory:
                    del self._waiting[path]

    def _lose(self, path: Path, why: str) -> None:
        self.counts["unsaved"] += 1
        log.warning(
            "what the pictures of %s usually look like could not be written to %s: %s. "
            "It is learned anew after a restart.",
            path.stem,
            path,
            why,
        )
