"""Auto-encoders and U-Nets of others, from folders as diffusers writes them: read offline, nothing is run.

A folder is that of one auto-encoder, or of a whole Stable Diffusion (vae/, unet/, scheduler/; text_encoder/
and tokenizer/ where they are there); its U-Net may be one that takes no prompt. The package diffusers is
imported here and not before.
"""

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from detectors.detection import DetectorError
from detectors.device import Device
from detectors.store import HUB

TOKENS: Final = 77  # of a prompt
CONFIG: Final = "config.json"
AUTO_ENCODERS: Final = ("AutoencoderKL", "AutoencoderTiny")
U_NET: Final = "UNet2DConditionModel"
UNTOLD: Final = "UNet2DModel"  # takes no prompt
MORE: Final = ("addition_embed_type", "class_embed_type", "num_class_embeds", "encoder_hid_dim")


class AutoEncoder:
    """Pictures (N, 3, H, W) in 0..1 to latents and back; the same picture has the same latents."""

    def __init__(self, network: Any, device: Device) -> None:
        self._network = network
        self._device = torch.device(device)
        config = network.config
        self._scale = float(config.get("scaling_factor") or 1.0)
        self._shift = float(config.get("shift_factor") or 0.0)
        self.channels = int(config["latent_channels"])
        self.step = 2 ** (len(config["block_out_channels"]) - 1)  # px: sides are multiples of it

    @torch.inference_mode()
    def encode(self, pictures: Tensor) -> Tensor:
        """(N, channels, H / step, W / step), as a U-Net wants them: about of unit variance."""
        told = self._network.encode(2 * pictures.to(self._device) - 1)
        latents = told.latent_dist.mean if hasattr(told, "latent_dist") else told.latents
        moved: Tensor = (latents - self._shift) * self._scale
        return moved

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        """Pictures in 0..1."""
        back: Tensor = self._network.decode(latents / self._scale + self._shift).sample
        return (back / 2 + 0.5).clamp(0, 1)


class NoiseGuesser:
    """A U-Net that says which noise latents, or pixels, carry, told no prompt."""

    def __init__(
        self, network: Any, kept: Tensor, velocity: bool, prompt: Tensor | None, device: Device
    ) -> None:
        """`kept` (T,): the share of the data's variance at each step; `prompt` (1, TOKENS, D), or none."""
        self._network = network
        self._kept = kept.to(device)
        self._velocity = velocity
        self.prompt = None if prompt is None else prompt.to(device)

    @torch.inference_mode()
    def error(self, latents: Tensor, noise: Tensor, share: float) -> Tensor:
        """By how much it errs on latents (N, C, h, w) that carry `noise` of their shape: (N, h, w), squared.

        `share`: 0..1 of the way from the data to pure noise.
        """
        step = round(share * (len(self._kept) - 1))
        return (self._guess(self._noisy(latents, noise, step), step) - noise).square().mean(dim=1)

    @torch.inference_mode()
    def redrawn(self, latents: Tensor, noise: Tensor, level: float) -> Tensor:
        """What latents (N, C, h, w) may have been before noise: `noise` is added, and taken out in one step.

        `level`: the noise's deviation for a signal of one; the nearest step that the U-Net knows is taken.
        """
        levels = ((1 - self._kept) / self._kept).sqrt()
        step = int((levels - level).abs().argmin())
        return self._clean(self._noisy(latents, noise, step), step)

    @torch.inference_mode()
    def restored(
        self, latents: Tensor, noise: Tensor, share: float, steps: int, bound: float = math.inf
    ) -> Tensor:
        """What is left of latents (N, C, h, w) when `noise` is added and taken out again in so many steps.

        `share`: 0..1 of the way from the data to pure noise; `bound`: no guess at the data goes beyond it.
        Nothing is drawn by chance on the way (Song et al., DDIM, ICLR 2021).
        """
        first = round(share * (len(self._kept) - 1))
        way = torch.linspace(first, 0, steps + 1).round().long().tolist()
        values = self._noisy(latents, noise, first)
        for step, after in pairwise(way):
            kept, later = self._kept[step], self._kept[after]
            clean = self._clean(values, step).clamp(-bound, bound)
            left = (values - kept.sqrt() * clean) / (1 - kept).sqrt()  # the noise, as the bound has it
            values = later.sqrt() * clean + (1 - later).sqrt() * left if after else clean
        return values

    def _noisy(self, latents: Tensor, noise: Tensor, step: int) -> Tensor:
        kept = self._kept[step]
        return kept.sqrt() * latents + (1 - kept).sqrt() * noise

    def _clean(self, noisy: Tensor, step: int) -> Tensor:
        """What is left without that noise."""
        kept = self._kept[step]
        clean: Tensor = (noisy - (1 - kept).sqrt() * self._guess(noisy, step)) / kept.sqrt()
        return clean

    def _guess(self, noisy: Tensor, step: int) -> Tensor:
        """The noise in it."""
        kept = self._kept[step]
        told_of = (
            {} if self.prompt is None else {"encoder_hidden_states": self.prompt.expand(len(noisy), -1, -1)}
        )
        steps = torch.full((len(noisy),), step, device=noisy.device)
        told: Tensor = self._network(noisy, steps, **told_of).sample
        return kept.sqrt() * told + (1 - kept).sqrt() * noisy if self._velocity else told


@dataclass(frozen=True, slots=True)
class Diffusion:
    """What a folder holds."""

    autoencoder: AutoEncoder
    guesser: NoiseGuesser | None
    side: int | None = None  # latents to the longer side of the pictures that the U-Net was trained on


def open_folder(folder: Path, device: Device = "cpu") -> Diffusion:
    """Reads a folder that lies on this machine. Raises DetectorError, and says what is wanted."""
    inner = folder / "vae" if (folder / "vae" / CONFIG).is_file() else folder
    network = network_in(inner, AUTO_ENCODERS, device)
    autoencoder = AutoEncoder(network, device)
    if not (folder / "unet" / CONFIG).is_file():
        return Diffusion(autoencoder, None)
    unet = network_in(folder / "unet", (U_NET, UNTOLD), device)
    config = unet.config
    if any(config.get(name) for name in MORE):
        raise DetectorError(f"{folder / 'unet'} wants more than a prompt: name a Stable Diffusion 1 or 2")
    if config["in_channels"] != autoencoder.channels:
        raise DetectorError(
            f"{folder / 'unet'} looks at {config['in_channels']} channels, and the auto-encoder beside it "
            f"makes {autoencoder.channels}: name one that is not for inpainting"
        )
    kept, velocity = schedule(folder / "scheduler")
    prompt = _no_prompt(folder, int(wide)) if (wide := config.get("cross_attention_dim")) else None
    side = max(trained_on(config) or (0,)) or None
    return Diffusion(autoencoder, NoiseGuesser(unet, kept, velocity, prompt, device), side)


def needs(package: str, error: ImportError) -> DetectorError:
    """What is said where an optional package is missing."""
    return DetectorError(f"this needs the package {package}, which cannot be imported ({error}): {HUB}")


def unusable(folder: Path, error: Exception) -> DetectorError:
    """What is said where a library cannot read a folder."""
    why = " ".join(str(error).split())[:200]
    return DetectorError(f"{folder} cannot be used ({why}): get it anew, with .safetensors")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file. Raises DetectorError."""
    try:
        told = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DetectorError(f"cannot read {path} ({error.strerror or error}): get its folder anew") from error
    except ValueError as error:
        raise DetectorError(f"{path} is no JSON ({error}): get its folder anew") from error
    if not isinstance(told, dict):
        raise DetectorError(f"{path} holds no object: get its folder anew")
    return told


def network_in(folder: Path, kinds: tuple[str, ...], device: Device) -> Any:
    """A network of one of these classes of diffusers, ready to be used. Raises DetectorError."""
    if not (folder / CONFIG).is_file():
        raise DetectorError(
            f"{folder} has no {CONFIG}: name the folder of an auto-encoder ({' or '.join(AUTO_ENCODERS)}) or "
            "of a whole Stable Diffusion, as diffusers writes it"
        )
    kind = read_json(folder / CONFIG).get("_class_name")
    if kind not in kinds:
        held = f"a {kind}" if kind else "something that diffusers did not write"
        raise DetectorError(f"{folder} holds {held}, and {' or '.join(kinds)} is wanted there")
    try:
        import diffusers
        from diffusers.utils import logging
    except ImportError as error:
        raise needs("diffusers", error) from error
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    plain = any(not _is_variant(each) for each in folder.glob("*.safetensors"))
    try:
        network, told = getattr(diffusers, kind).from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            variant=None if plain else "fp16",
            low_cpu_mem_usage=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise unusable(folder, error) from error
    if missing := sorted(told["missing_keys"]):  # they would be drawn at random, each time anew
        raise DetectorError(f"{folder} does not hold the whole network ({missing[0]}): get it anew")
    return network.float().eval().requires_grad_(False).to(torch.device(device))


def trained_on(config: Any) -> tuple[int, int] | None:
    """Height and width of what a U-Net was trained on, as its config says it; None where it does not."""
    match config.get("sample_size"):
        case int(side) if side > 0:
            return side, side
        case [int(height), int(width)] if height > 0 < width:
            return height, width
        case _:
            return None


def _is_variant(file: Path) -> bool:
    return ".fp16." in file.name or ".non_ema." in file.name


def schedule(folder: Path) -> tuple[Tensor, bool]:
    """(T,) the data's share of the variance at each step, and whether velocities are told: of a scheduler's
    folder. Raises DetectorError.
    """
    config = read_json(folder / "scheduler_config.json")
    kind = config.get("prediction_type", "epsilon")
    if "Flow" in str(config.get("_class_name")) or kind not in ("epsilon", "v_prediction"):
        raise DetectorError(
            f"{folder} is of no Stable Diffusion 1 or 2, and of no DDPM that guesses noise or velocity: name "
            "one of these"
        )
    from diffusers import DDPMScheduler

    try:
        told = DDPMScheduler.from_config(config)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise unusable(folder, error) from error
    return told.alphas_cumprod.float(), kind == "v_prediction"


def _no_prompt(folder: Path, wide: int) -> Tensor:
    """(1, TOKENS, wide): what the text encoder makes of nothing, where it is there; else zeros."""
    if not ((folder / "text_encoder" / CONFIG).is_file() and (folder / "tokenizer").is_dir()):
        return torch.zeros(1, TOKENS, wide)
    try:
        from transformers import CLIPTextModel, CLIPTokenizer
        from transformers.utils import logging
    except ImportError as error:
        raise needs("transformers", error) from error
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        encoder = CLIPTextModel.from_pretrained(
            folder / "text_encoder", local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
        held = tokenizer("", padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            told: Tensor = encoder.float().eval()(held.input_ids).last_hidden_state
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, IndexError) as error:
        raise unusable(folder / "text_encoder", error) from error
    if told.shape[-1] != wide:
        raise DetectorError(f"{folder / 'text_encoder'} is not that of the U-Net beside it: get both anew")
    return told
