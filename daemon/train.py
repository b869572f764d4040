"""`framewarden train deepfake`: makes the model that the deepfake detector ships with, or one of your own."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from config.load import load
from daemon.bar import Tell, told
from daemon.models import store_of
from detectors.deepfake.autoencoder import auto_encoder
from detectors.deepfake.examples import Examples, ExamplesError, Part, faces, faces_in_photos
from detectors.deepfake.making import Materials, make
from detectors.deepfake.model import Facts
from detectors.faces.mtcnn import Mtcnn
from detectors.store import read_tensors

DONE: Final = 0


async def train_deepfake(
    data: Path,
    out: Path,
    network: str,
    backbone: str,
    photos: Sequence[Path],
    seed: int,
    config: Path | None,
) -> int:
    """Writes the weights to `out`. Raises ExamplesError, DetectorError, ConfigError.

    `photos`: folders of photos, of which the faces are more real ones.
    """
    say = Console(highlight=False, soft_wrap=True)
    if not (data / "real").is_dir() or not (data / "fake").is_dir():
        raise ExamplesError(
            f"{data} needs two folders, real/ and fake/, of faces named <clip>_<frame>.jpg: docs/deepfake.md"
        )
    store = store_of(load(config) if config else None)
    weights = store.find(backbone)
    real, fake = faces(data / "real"), faces(data / "fake")

    def work(tell: Tell) -> Facts:
        more = faces_in_photos(photos, Mtcnn("cpu"), partial(tell, "looking for faces in photos"))
        words = (
            f"faces of {data.name}, {len(more.clips)} faces in photos, backbone {weights.name}, "
            f"drawn anew by {network}, seed {seed}"
        )
        drawing = auto_encoder(store, network)
        return make(Materials(real, fake, more, drawing, read_tensors(weights), words), out, seed, tell)

    facts = await told(work)
    learned, kept = (sum(_clips(each, part) for each in (real, fake)) for part in (Part.TRAIN, Part.TEST))
    say.print(f"{out}: learned from {learned} clips; {kept} were kept apart to test with", markup=False)
    say.print(
        f"real clips score {facts.clips.real:.2f}, fakes {facts.clips.fake:.2f}, "
        f"standard deviation between real clips {facts.clips.between**0.5:.2f}"
    )
    say.print(f"see how good it is: framewarden evaluate deepfake {data} --split test", markup=False)
    return DONE


def _clips(examples: Examples, part: Part) -> int:
    return len(set(examples.of(part).clips))
