"""The first stretch of a normal's life: a camera is watched, then learned, and nothing is judged yet."""

from detectors.anomaly.footage import Footage
from detectors.anomaly.lesson import Camera, Lesson
from detectors.anomaly.method import Learned, Stopped, View
from detectors.anomaly.shelf import Card
from detectors.detection import DetectorError
from streams.frame import Frame

SHARE = 0.9  # of the progress that watching makes, the rest is computing
LEAST = 30  # pictures
STANDSTILL = 300  # pictures after which timestamps should have advanced


class Watching:
    """Gathers footage until there is enough, and has it learned."""

    def __init__(self, camera: Camera, card: Card, now: View, why: str) -> None:
        """Goes on with the footage that lies in the card's folder. Raises DetectorError."""
        self.card = card
        self.words = ""
        self.progress = 0.0
        self.scene_known = False  # until then the card shows a single picture, with whatever passed in it
        self.why = why  # it learns although something was learned before
        self._camera = camera
        self._needed = 60 * camera.settings.learn_minutes
        self._lesson: Lesson | None = None
        try:
            self._footage = Footage(camera.method, now, card.folder)
        except OSError as error:
            raise self._unable(error) from error

    @property
    def busy(self) -> bool:
        """It is being learned: a recording waits."""
        return self._lesson is not None and not self._lesson.done

    def watch(self, now: View, frame: Frame) -> Learned | None:
        """One more picture; what was learned, once it is.

        Raises DetectorError, and ValueError where the footage is no use.
        """
        if self._lesson:
            if self._lesson.done:
                lesson, self._lesson = self._lesson, None
                return self._taken(lesson)
            self.progress = SHARE + (1 - SHARE) * self._lesson.progress
            self.words = f"learning what is normal here{self.why}"
            return None
        try:
            self._footage.add(now, frame.position, frame.fresh)
        except OSError as error:
            raise self._unable(error) from error
        watched = self._footage.seconds
        if watched >= self._needed and len(self._footage) >= LEAST:
            self._lesson = Lesson(self._camera, self._footage, None)
        self.progress = SHARE * min(watched / self._needed, 1.0)
        still = " (its timestamps stand still)" if not watched and len(self._footage) > STANDSTILL else ""
        self.words = (
            f"learning what is normal here: {watched:.0f} of {self._needed:.0f} s watched{still}{self.why}"
        )
        return None

    def interrupt(self) -> None:
        """A picture is left out."""
        if not self._lesson:
            self._footage.interrupt()

    def forget(self) -> None:
        """Lets go of the footage, which was learned from or is of no use."""
        self._footage.delete()

    def close(self) -> None:
        """Stops. The footage stays on disk."""
        if self._lesson:
            self._lesson.stop()
        else:
            self._footage.close()

    def _taken(self, lesson: Lesson) -> Learned | None:
        try:
            return lesson.learned()
        except Stopped:
            return None

    def _unable(self, error: OSError) -> DetectorError:
        return DetectorError(
            f"cannot gather footage of {self._camera.stream} in {self.card.folder}: {error.strerror}. "
            "Make room there, or let framewarden write there."
        )
