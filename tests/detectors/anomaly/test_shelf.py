"""The folders of one camera's normals: few, small, and whatever somebody did to them meanwhile."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detectors.anomaly.footage import FILE as FOOTAGE
from detectors.anomaly.scene import Scene
from detectors.anomaly.shelf import CARD, MOST, MOST_BYTES, Card, Shelf
from tests.detectors.anomaly.drill import scene

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SHAPE = (54, 96)


def blank(shelf: Shelf, seed: int) -> Card:
    """One for a scene of its own, a minute after the one of the seed before."""
    return shelf.blank(Scene(scene(seed)), SHAPE, NOON + timedelta(minutes=seed))


def folders(path: Path) -> set[str]:
    return {each.name for each in path.iterdir()}


def test_the_one_that_was_not_needed_for_longest_goes(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "one")
    for seed in range(MOST + 2):
        blank(shelf, seed)
    assert folders(tmp_path) == {str(number) for number in range(3, MOST + 3)}
    (tmp_path / "4" / "weights").write_bytes(bytes(MOST_BYTES))
    (tmp_path / "5" / FOOTAGE).write_bytes(bytes(MOST_BYTES))  # that does not count
    blank(shelf, 9)
    assert folders(tmp_path) == {"5", "6", str(MOST + 3)}


def test_a_normal_that_somebody_threw_away_meanwhile_is_forgotten(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "one")
    gone, kept = blank(shelf, 1), blank(shelf, 2)
    shutil.rmtree(gone.folder)
    new = blank(shelf, 3)
    assert shelf.fitting(gone.scene, SHAPE, frozenset()) is None
    for card in (kept, new):
        assert shelf.fitting(card.scene, SHAPE, frozenset()) is card
    blank(shelf, 4)


def _damage(card: Path) -> None:
    card.write_bytes(card.read_bytes()[:40])


def _age(card: Path) -> None:
    card.write_text(json.dumps(json.loads(card.read_text()) | {"version": 0}))


@pytest.mark.parametrize("spoil", [_damage, _age, Path.unlink])
def test_what_cannot_be_read_is_kept_while_there_is_room_and_goes_first(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    shelf = Shelf(tmp_path, "one")
    for seed in range(3):
        blank(shelf, seed)
    for number in (2, 3):
        spoil(tmp_path / str(number) / CARD)
    shelf = Shelf(tmp_path, "one")
    blank(shelf, 7)
    assert folders(tmp_path) == {"1", "2", "3", "4"}
    blank(shelf, 8)
    assert folders(tmp_path) == {"1", "3", "4", "5"}
    (tmp_path / "3" / FOOTAGE).write_bytes(bytes(MOST_BYTES))  # that nobody will learn from
    blank(shelf, 9)
    assert folders(tmp_path) == {"1", "4", "5", "6"}
