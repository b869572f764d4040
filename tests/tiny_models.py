"""Folders of weights as others' libraries write them: whole architectures, tiny, with random weights."""

import json
from pathlib import Path
from typing import Any, Final

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    DDPMPipeline,
    DDPMScheduler,
    UNet2DConditionModel,
    UNet2DModel,
)
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModel,
    ConvNextConfig,
    ConvNextModel,
    Dinov2Config,
    Dinov2Model,
    ViTConfig,
    ViTModel,
)

from detectors.deepfake.heat import CELLS, face_denoiser
from detectors.deepfake.likelihood import Clips
from detectors.deepfake.model import Facts, Faint, Scale, save
from detectors.deepfake.network import Head, folded

LEVELS: Final = 4  # so that latents are an eighth as wide, as in real ones
WIDE: Final = 8  # channels
PROMPT: Final = 16  # numbers for each token
_VISION: Final[dict[str, Any]] = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "image_size": 32, "patch_size": 8,
}  # fmt: skip
_TEXT: Final[dict[str, Any]] = {
    "hidden_size": PROMPT, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "vocab_size": 4, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1,
}  # fmt: skip


def shipped(path: Path) -> Path:
    """A file like that of the shipped deepfake model."""
    torch.manual_seed(5)
    heads = [folded(Head().eval()) for _ in range(2)]
    more = {f"denoiser.{name}": value for name, value in face_denoiser().state_dict().items()}
    more |= {"real.mean": torch.zeros(3, CELLS, CELLS), "real.spread": torch.ones(3, CELLS, CELLS)}
    scale = Scale(0.0, 1.0, 3.0)
    save(path, heads, Facts(scale, scale, Faint(1.5, 0.6), Clips(-4.0, 4.0, 2.0, 2.0), "noise"), more)
    return path


def auto_encoder(folder: Path) -> Path:
    """An AutoencoderKL."""
    torch.manual_seed(1)
    AutoencoderKL(
        block_out_channels=(WIDE,) * LEVELS,
        down_block_types=("DownEncoderBlock2D",) * LEVELS,
        up_block_types=("UpDecoderBlock2D",) * LEVELS,
        latent_channels=4,
        norm_num_groups=4,
    ).save_pretrained(folder)
    return folder


def small_auto_encoder(folder: Path) -> Path:
    """An AutoencoderTiny."""
    torch.manual_seed(2)
    AutoencoderTiny(
        encoder_block_out_channels=(WIDE,) * LEVELS,
        decoder_block_out_channels=(WIDE,) * LEVELS,
        num_encoder_blocks=(1,) * LEVELS,
        num_decoder_blocks=(1,) * LEVELS,
        latent_channels=4,
    ).save_pretrained(folder)
    return folder


def stable_diffusion(folder: Path, *, text: bool = False, velocity: bool = False, **unet: Any) -> Path:
    """vae, unet and scheduler; `text`: with a text encoder and its tokenizer."""
    auto_encoder(folder / "vae")
    torch.manual_seed(3)
    UNet2DConditionModel(
        **{
            "sample_size": 16,
            "in_channels": 4,
            "block_out_channels": (WIDE, WIDE),
            "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
            "cross_attention_dim": PROMPT,
            "attention_head_dim": 2,
            "norm_num_groups": 4,
            "layers_per_block": 1,
            **unet,
        }
    ).save_pretrained(folder / "unet")
    DDPMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction" if velocity else "epsilon",
    ).save_pretrained(folder / "scheduler")
    if text:
        text_encoder(folder / "text_encoder")
        words = {"<|startoftext|>": 0, "<|endoftext|>": 1, "a</w>": 2, "b</w>": 3}
        (folder / "words").mkdir()
        (folder / "words" / "vocab.json").write_text(json.dumps(words))
        (folder / "words" / "merges.txt").write_text("#version: 0.2\n")
        CLIPTokenizer.from_pretrained(folder / "words").save_pretrained(folder / "tokenizer")
    return folder


def pixel_u_net(folder: Path, side: int = 32, **unet: Any) -> Path:
    """A UNet2DModel and its scheduler, as DDPMPipeline saves them."""
    torch.manual_seed(6)
    DDPMPipeline(small_u_net(side, **unet), DDPMScheduler()).save_pretrained(folder)
    return folder


def small_u_net(side: int = 32, **unet: Any) -> UNet2DModel:
    """One that draws pixels."""
    return UNet2DModel(
        **{
            "sample_size": side,
            "block_out_channels": (WIDE, 2 * WIDE),
            "down_block_types": ("DownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "UpBlock2D"),
            "norm_num_groups": 4,
            "layers_per_block": 1,
            **unet,
        }
    )


def text_encoder(folder: Path) -> Path:
    """One that looks at words."""
    CLIPTextModel(CLIPTextConfig(**_TEXT)).save_pretrained(folder)
    return folder


def encoder(folder: Path, kind: str = "clip-vision", seed: int = 4) -> Path:
    """One that looks at pictures: clip-vision, clip, dinov2, vit (without its pooler), convnext."""
    torch.manual_seed(seed)
    model: Any
    match kind:
        case "clip-vision":
            model = CLIPVisionModel(CLIPVisionConfig(**_VISION))
        case "clip":
            model = CLIPModel(CLIPConfig(vision_config=_VISION, text_config=_TEXT, projection_dim=8))
        case "dinov2":
            dino = {**_VISION, "image_size": 28, "patch_size": 14}
            model = Dinov2Model(Dinov2Config(**dino))
        case "vit":
            model = ViTModel(ViTConfig(**_VISION), add_pooling_layer=False)
        case _:
            model = ConvNextModel(ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1]))
    model.save_pretrained(folder)
    side = 28 if kind == "dinov2" else 32
    prepared = {"image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28], "crop_size": side}
    (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    return folder
