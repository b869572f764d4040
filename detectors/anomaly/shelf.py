"""The normals of one camera on disk: a folder for each scene, with a card that says which scene that is."""

import json
import logging
import shutil
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from config.whole_file import write_whole
from detectors.anomaly.footage import FILE as FOOTAGE
from detectors.anomaly.scene import Scene, unpacked

CARD = "card.json"
VERSION = 1
MOST = 4  # normals of one camera
MOST_BYTES = 3_200_000  # of all of them, without footage: the score history needs as much as is left of 5 MB
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """One normal of one camera, learned or still to be."""

    folder: Path
    source: str  # a hash of the camera's address
    scene: Scene
    shape: tuple[int, ...]  # of the views that it is learned from
    lessons: int  # 0: footage is still gathered for the first one
    learned_at: datetime | None
    used_at: datetime

    @property
    def footage(self) -> bool:
        """Whether something lies there to be learned from."""
        return (self.folder / FOOTAGE).exists()


class Shelf:
    """The cards of one stream, as long as it looks at the same source."""

    def __init__(self, folder: Path, source: str) -> None:
        self._folder = folder
        self._source = source
        cards = [_read(path.parent) for path in sorted(folder.glob(f"*/{CARD}"))]
        self._cards = {card.folder: card for card in cards if card}

    def __len__(self) -> int:
        """Normals that were learned of this source."""
        return sum(card.lessons > 0 for card in self._ours())

    @property
    def moved_in(self) -> bool:
        """Whether there are normals, and all of another source."""
        return bool(self._cards) and not self._ours()

    def fitting(self, scene: Scene, shape: tuple[int, ...], but: Set[Path]) -> Card | None:
        """The card of this scene; the likest, where there are several; a learned one before others."""
        cards = [card for card in self._ours() if card.shape == shape and card.folder not in but]
        fits = [card for card in cards if not card.scene.unlike(scene)]
        return max(fits, key=lambda card: (card.lessons > 0, card.scene.likeness(scene)), default=None)

    def knows(self, shape: tuple[int, ...]) -> bool:
        """Whether anything was learned from views of this shape."""
        return any(card.shape == shape and card.lessons for card in self._ours())

    def blank(self, scene: Scene, shape: tuple[int, ...], at: datetime) -> Card:
        """A card for a scene that is new. Raises OSError."""
        taken = [int(path.name) for path in self._folder.glob("*") if path.name.isdecimal()]
        folder = self._folder / str(max(taken, default=0) + 1)
        try:
            return self.put(Card(folder, self._source, scene, shape, 0, None, at))
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def put(self, card: Card) -> Card:
        """Writes a card, and makes room where there are too many. Raises OSError."""
        card.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(
            {
                "version": VERSION,
                "source": card.source,
                "scene": card.scene.packed(),
                "shape": card.shape,
                "lessons": card.lessons,
                "learned_at": card.learned_at and card.learned_at.isoformat(),
                "used_at": card.used_at.isoformat(),
            }
        )
        write_whole(card.folder / CARD, text.encode())
        self._cards[card.folder] = card
        self._make_room(card)
        return card

    def remove(self, card: Card) -> None:
        """Throws away a normal with all that belongs to it."""
        self._cards.pop(card.folder, None)
        (card.folder / CARD).unlink(missing_ok=True)  # first: half a folder is none
        shutil.rmtree(card.folder, ignore_errors=True)

    def _ours(self) -> list[Card]:
        return [card for card in self._cards.values() if card.source == self._source]

    def _make_room(self, kept: Card) -> None:
        """Throws away first what cannot be read, then what was not needed for longest."""
        self._cards = {folder: card for folder, card in self._cards.items() if folder.exists()}
        size = {folder: _bytes(folder, but=FOOTAGE) for folder in self._cards}
        numbered = [path for path in self._folder.glob("*") if path.name.isdecimal() and path.is_dir()]
        unread = sorted(set(numbered) - set(self._cards), key=lambda path: int(path.name))
        size |= {folder: _bytes(folder) for folder in unread}
        others = sorted(
            (card for card in self._cards.values() if card is not kept), key=lambda card: card.used_at
        )
        while (unread or others) and (len(unread) + len(others) >= MOST or sum(size.values()) > MOST_BYTES):
            if unread:
                folder = unread.pop(0)
                log.info("%s: %s, which cannot be read, is thrown away", self._folder.name, folder)
                shutil.rmtree(folder, ignore_errors=True)
            else:
                card = others.pop(0)
                folder = card.folder
                log.info(
                    "%s: the normal not needed since %s is thrown away",
                    self._folder.name,
                    card.used_at.date(),
                )
                self.remove(card)
            del size[folder]


def _bytes(folder: Path, but: str = "") -> int:
    """What its files take; none where somebody threw it away meanwhile."""
    try:
        return sum(path.stat().st_size for path in folder.iterdir() if path.name != but)
    except OSError:
        return 0


def _read(folder: Path) -> Card | None:
    """None where it cannot be read: what cannot be told is learned anew."""
    try:
        said: dict[str, Any] = json.loads((folder / CARD).read_bytes())
        if said["version"] != VERSION:
            return None
        learned_at = said["learned_at"]
        return Card(
            folder=folder,
            source=str(said["source"]),
            scene=unpacked(said["scene"]),
            shape=tuple(int(side) for side in said["shape"]),
            lessons=int(said["lessons"]),
            learned_at=datetime.fromisoformat(learned_at) if learned_at else None,
            used_at=datetime.fromisoformat(said["used_at"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        log.warning(
            "%s: the card %s cannot be read, its normal is not used", folder.parent.name, folder / CARD
        )
        return None
