"""How each detector judges: frozen pydantic models, whose field texts are the reference."""

from typing import Literal

from pydantic import Field, model_validator

from config.section import BesideFile, Seconds, Section

DetectorName = Literal["quality", "anomaly", "deepfake", "objects"]


class QualitySettings(Section):
    """Is the picture itself worth looking at: light, focus, noise, colour, cover, place, damage, age."""

    kind: Literal["quality"] = "quality"
    frozen_after: Seconds = Field(
        default=5, description="Seconds without any change until the picture is frozen."
    )
    loop_minutes: float = Field(
        default=10,
        ge=0,
        le=60,
        description="Minutes of pictures remembered, to tell when old ones are played again. 0: none.",
    )
    sensitivity: float = Field(
        default=1.0, ge=0.25, le=4, description="Above 1: smaller faults are told. Below 1: only gross ones."
    )
    # Kept out of dumps: it says nothing of how a picture is judged, so it must not change the settings' hash.
    shadow: bool = Field(
        default=False, exclude=True, description="On trial: its alerts are counted and logged, and not told."
    )


class AnomalySettings(Section):
    """Each camera's normal, learned by denoising, and how often it may raise a false alarm."""

    kind: Literal["anomaly"] = "anomaly"
    false_alarms_per_day: float = Field(
        default=1.0, gt=0, le=1000, description="The budget from which each camera's threshold is set."
    )
    learn_minutes: float = Field(
        default=2.0,
        gt=0,
        le=1440,
        description="Minutes of footage that a new camera is watched before it is judged.",
    )
    backbone: str | None = Field(
        default=None,
        min_length=1,
        examples=["efficientnet_lite0"],
        description="Judge the feature maps of these weights instead of movement and scenery: an "
        "EfficientNet-Lite0 or MobileNetV2 of the model store (docs/models.md), by name, path or hash.",
    )
    reconstruction: str | None = Field(
        default=None,
        min_length=1,
        examples=["our-product-ddpm"],
        description="For a camera that looks at one product: judge how pictures differ from what this model "
        "of the store restores of them, a U-Net, auto-encoder or Stable Diffusion as diffusers saves it "
        "(docs/anomaly.md, With a reconstruction). Slow: for a card.",
    )
    shadow: bool = Field(
        default=False, exclude=True, description="On trial: its alerts are counted and logged, and not told."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "AnomalySettings":
        if self.backbone and self.reconstruction:
            raise ValueError("'backbone' and 'reconstruction' are two ways of judging: name one of them")
        return self


class DeepfakeSettings(Section):
    """Faces that are followed through the pictures: how likely is each one swapped or generated."""

    kind: Literal["deepfake"] = "deepfake"
    min_face: int = Field(
        default=64, ge=32, le=1024, description="Pixels of height below which a face is too small to judge."
    )
    false_alarms_per_thousand_faces: float = Field(
        default=1.0,
        gt=0,
        le=500,
        description="How many of a thousand real faces may raise an alert; the threshold is set from it.",
    )
    good_pictures: int = Field(
        default=16,
        ge=4,
        le=256,
        description="Pictures in which a face must be seen well before anything is said of it.",
    )
    encoder: str | None = Field(
        default=None,
        min_length=1,
        examples=["clip-vit-large-patch14"],
        description="Judge by what this encoder of the model store sees (docs/deepfake.md, Bigger models).",
    )
    reconstruction: str | None = Field(
        default=None,
        min_length=1,
        examples=["stable-diffusion-v1-5"],
        description="Judge by how well this auto-encoder or Stable Diffusion of the store draws a face.",
    )
    head: BesideFile | None = Field(
        default=None,
        examples=["/srv/models/our-head.safetensors"],
        description="What was learned over encoder and reconstruction (relative to this file). Empty: "
        "deepfake/head.safetensors in the state folder.",
    )
    shadow: bool = Field(
        default=False, exclude=True, description="On trial: its alerts are counted and logged, and not told."
    )

    @model_validator(mode="after")
    def _head_of_something(self) -> "DeepfakeSettings":
        if self.head and not (self.encoder or self.reconstruction):
            raise ValueError("'head' belongs to an 'encoder' or a 'reconstruction': name that, too")
        return self


class ObjectsSettings(Section):
    """What is seen: people, vehicles and other things, or, without a model, whatever moves."""

    kind: Literal["objects"] = "objects"
    model: str | None = Field(
        default=None,
        min_length=1,
        examples=["yolo11n"],
        description="A detector of the model store (docs/models.md), by name, path or hash: YOLO or RT-DETR "
        "as .pt, ONNX, OpenVINO or TensorRT, or Faster R-CNN. Empty: whatever moves is told as 'moving'.",
    )
    confidence: float = Field(
        default=0.5, gt=0, lt=1, description="How sure the model must be of an object for an alert."
    )
    denoise: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Whether noise is taken out of pictures before the model looks. auto: where a camera is "
        "noisy, and only while it helps.",
    )
    denoiser: str | None = Field(
        default=None,
        min_length=1,
        examples=["sd-turbo"],
        description="A Stable Diffusion of the model store that takes noise out, in place of framewarden's "
        "own denoiser. It invents detail (docs/denoising.md).",
    )
    slices: Literal["auto", "always", "never"] = Field(
        default="never",
        description="Look at parts of the picture too, for small objects. auto: where such are seen.",
    )
    shadow: bool = Field(
        default=False, exclude=True, description="On trial: its alerts are counted and logged, and not told."
    )


class DetectorsSettings(Section):
    """One section for each detector."""

    quality: QualitySettings = QualitySettings()
    anomaly: AnomalySettings = AnomalySettings()
    deepfake: DeepfakeSettings = DeepfakeSettings()
    objects: ObjectsSettings = ObjectsSettings()
