"""The faces of one stream: who is seen, how each looks, and what has come together against each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from config.detectors import DeepfakeSettings
from detectors.deepfake.before import Before
from detectors.deepfake.crop import ALONE, Crop, crop_of
from detectors.deepfake.heat import Heat, over_picture
from detectors.deepfake.likelihood import Clips, chance
from detectors.deepfake.model import Scores
from detectors.deepfake.suspicion import Suspicion
from detectors.detection import Detection, DetectorCard, Doubt, Kind, Region
from detectors.faces.face import Face
from detectors.faces.looks import Looks, doubt_of, look
from detectors.faces.shots import Shots
from detectors.faces.tracks import PATIENCE, Tracks
from streams.frame import Frame

GOODBYE: Final = 4.0  # seconds for which it is said that a face is gone, so that its alert closes
HEAT_EVERY: Final = 1.0  # seconds between two heat maps of one face
NOBODY: Final = "face"  # the label of what is said where there is no face to say it of


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One face in one picture; `crop` where it can be judged."""

    number: int
    face: Face
    looks: Looks
    doubt: tuple[Doubt, str] | None
    crop: Crop | None


@dataclass(slots=True, eq=False)
class _Suspect:
    """One face over time."""

    suspicion: Suspicion
    seen: float  # seconds: the stream's position
    told: bool = False  # anything but a doubt was said of it
    heat: Heat | None = None
    heated: float = float("-inf")  # when the heat map was made


@dataclass(slots=True, eq=False)
class Following:
    """One stream's faces. First `look`, then the model scores the crops, then `answer`."""

    settings: DeepfakeSettings
    clips: Clips
    side: int  # px of the crops that are scored
    card: DetectorCard
    threshold: float  # nats
    kept: Mapping[str, bytes] = field(default_factory=dict)  # beside an alert: what else a score depends on
    _tracks: Tracks = field(default_factory=Tracks)
    _shots: Shots = field(default_factory=Shots)
    _suspects: dict[int, _Suspect] = field(default_factory=dict)
    _position: float = 0.0  # seconds: of the picture before
    _since: str = ""  # the time of day of the first picture

    def look(self, frame: Frame, faces: Sequence[Face]) -> list[Sighting]:
        """Each face of the picture, and whether it can be judged."""
        self._since = self._since or f"{frame.captured_at:%H%M%S}"
        another_shot = self._shots.is_cut(frame.picture) or frame.fresh
        tracks = self._tracks.follow(faces, frame.position, cut=another_shot)
        if another_shot:  # nobody is waited for; and positions begin anew with a connection
            for suspect in self._suspects.values():
                gone = (self._position if frame.fresh else frame.position) - suspect.seen
                suspect.seen = frame.position - max(gone, PATIENCE + 1e-3)
        self._position = frame.position
        sightings = []
        for track in tracks:
            looks = look(frame.picture, track.face)
            doubt = doubt_of(looks, self.settings.min_face)
            if doubt is None and frame.damaged:
                doubt = Doubt.DAMAGED, "the picture is damaged"
            crop = crop_of(frame.picture, track.face, self.side) if doubt is None else None
            sightings.append(Sighting(track.number, track.face, looks, doubt, crop))
        return sightings

    def note(self, frame: Frame, sightings: Sequence[Sighting], scores: Scores) -> None:
        """What the model said of the crops of `sightings`, in their order."""
        index = 0
        for one in sightings:
            suspect = self._suspects.setdefault(
                one.number, _Suspect(Suspicion(self.clips, self.settings.good_pictures), frame.position)
            )
            suspect.seen = frame.position
            if one.crop is not None:
                suspect.suspicion.note(one.crop, scores, index, one.looks.detail)
                index += 1

    def wants_heat(self, frame: Frame, sightings: Sequence[Sighting]) -> list[Sighting]:
        """The faces whose evidence is to be drawn now."""
        return [
            one
            for one in sightings
            if one.crop is not None
            and self._alarming(suspect := self._suspects[one.number])
            and frame.position - suspect.heated >= HEAT_EVERY
        ]

    def draw(self, frame: Frame, one: Sighting, heat: Heat) -> None:
        """Takes the heat map of a face."""
        suspect = self._suspects[one.number]
        suspect.heat, suspect.heated = heat, frame.position

    def answer(self, frame: Frame, sightings: Sequence[Sighting]) -> list[Detection]:
        """One detection for each face, one for each that has just gone, and one where there is no face."""
        said = [self._of(frame, one) for one in sightings]
        present = {one.number for one in sightings}
        for number, suspect in list(self._suspects.items()):
            gone = frame.position - suspect.seen
            if number in present or gone <= PATIENCE:
                continue
            if gone > PATIENCE + GOODBYE:
                del self._suspects[number]
            elif suspect.told:
                said.append(self._detection(self._name(number), suspect, 0.0, "This face is no longer seen."))
        if not sightings:
            said.append(
                Detection(
                    Kind.DEEPFAKE, NOBODY, 0.0, self.threshold, self.card, doubt=Doubt.NO_FACE,
                    reason="There is no face to judge.",
                )
            )  # fmt: skip
        return said

    def _of(self, frame: Frame, one: Sighting) -> Detection:
        suspect = self._suspects[one.number]
        suspicion = suspect.suspicion
        region = _region(one.face, frame)
        if one.doubt is not None or not suspicion.enough:
            many, enough = suspicion.good, self.settings.good_pictures
            kind, words = one.doubt or (
                Doubt.TOO_FEW,
                f"{many} of {enough} good pictures of this face so far: fewer, or one photo, tell nothing",
            )
            return Detection(
                Kind.DEEPFAKE, suspicion.label if suspicion.enough else NOBODY, 0.0, self.threshold,
                self.card, subject=self._name(one.number), doubt=kind,
                reason=f"{words[0].upper()}{words[1:]}.",
                regions=(region,), progress=min(1.0, many / enough) if not suspicion.enough else None,
            )  # fmt: skip
        suspect.told = True
        alarming = self._alarming(suspect)
        words = reason_of(suspicion)
        return self._detection(
            self._name(one.number),
            suspect,
            suspicion.log_ratio,
            words,
            (region,),
            frame if alarming else None,
            one.face,
        )

    def _detection(
        self,
        subject: str,
        suspect: _Suspect,
        score: float,
        reason: str,
        regions: tuple[Region, ...] = (),
        frame: Frame | None = None,
        face: Face | None = None,
    ) -> Detection:
        heat = suspect.heat
        return Detection(
            Kind.DEEPFAKE,
            suspect.suspicion.label,
            score,
            self.threshold,
            self.card,
            subject=subject,
            reason=reason,
            regions=regions,
            heatmap=over_picture(heat, face, ALONE, frame) if heat is not None and frame and face else None,
            before=Before(suspect.suspicion.samples, self.card, self.kept) if frame else None,
        )

    def _name(self, number: int) -> str:
        """Numbers begin anew with the daemon, and an alert that is open then must not get another face."""
        return f"{number}-{self._since}"

    def _alarming(self, suspect: _Suspect) -> bool:
        return suspect.suspicion.enough and suspect.suspicion.log_ratio >= self.threshold


def reason_of(suspicion: Suspicion) -> str:
    """What speaks for or against this face, for a person."""
    share = chance(suspicion.log_ratio)
    many = len(suspicion.samples)
    what = "put onto another head" if suspicion.label == "swapped" else "generated by a machine"
    if suspicion.log_ratio <= 0:
        return f"The latest {many} pictures of this face are more like real faces than like fakes."
    likely = "more than 99.9 %" if share > 0.999 else f"{share:.1%}"
    return (
        f"The latest {many} pictures of this face look as if it was {what}: {likely} likely, if one face "
        "in two were fake. A likelihood, not proof."
    )


def _region(face: Face, frame: Frame) -> Region:
    height, width = frame.picture.shape[:2]
    left, top = max(0.0, face.left), max(0.0, face.top)
    right, bottom = min(float(width), face.left + face.width), min(float(height), face.top + face.height)
    return Region(left / width, top / height, max(0.0, right - left) / width, max(0.0, bottom - top) / height)
