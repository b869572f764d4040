"""What every part of the file has in common, and the kinds of values that several parts use."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from config.address import at_home


def _beside(path: Path, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder") or Path()
    return (folder / at_home(str(path))).absolute()


Seconds = Annotated[float, Field(gt=0)]
BesideFile = Annotated[Path, AfterValidator(_beside)]  # a relative one begins at the file's own folder


class Section(BaseModel):
    """A part of the file: unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)
