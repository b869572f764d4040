"""What an operator may set of an alert's life: for which alerts, when, and what then holds."""

from typing import Literal

from pydantic import Field, model_validator

from config.hours import Between, Days, TimeZone
from config.section import Seconds, Section

_CASE = ("label", "between", "days", "time_zone")  # on what only the telling can depend
_COUNTING = ("alarming", "of", "over", "release", "calm", "critical", "cooldown", "update_every")


class AlertRule(Section):
    """For the alerts that fit, what is set here takes the place of what held before. Later rules win."""

    stream: str = Field(default="*", min_length=1, description="Which streams; may hold * and ?.")
    kind: Literal["quality", "anomaly", "deepfake", "object", "stream"] | None = Field(
        default=None, examples=["anomaly"], description="Which kind of alert. Empty: any."
    )
    label: str = Field(
        default="*", min_length=1, examples=["person"], description="Which labels; may hold * and ?."
    )
    between: Between = None
    days: Days = ()
    time_zone: TimeZone = None
    tell: bool | None = Field(
        default=None, examples=[False], description="false: judged and counted, and told to nobody."
    )
    severity: Literal["info", "warning", "critical"] | None = Field(
        default=None, examples=["info"], description="How much it matters, while the score is not critical."
    )
    alarming: int | None = Field(
        default=None, ge=1, le=100, examples=[3], description="So many frames open it, ..."
    )
    of: int | None = Field(
        default=None, ge=1, le=250, examples=[5], description="... of so many frames in a row, ..."
    )
    over: float | None = Field(
        default=None, ge=0, le=3600, examples=[0.35], description="... at least so many seconds apart."
    )
    release: float | None = Field(
        default=None, gt=0, le=1, examples=[0.8], description="It is fine below this share of the threshold."
    )
    calm: Seconds | None = Field(
        default=None, examples=[2.5], description="Seconds that it has to be fine until it closes."
    )
    critical: float | None = Field(
        default=None, ge=1, examples=[2], description="Critical from so many times the threshold on."
    )
    cooldown: float | None = Field(
        default=None, ge=0, examples=[30], description="Overrides alerts.cooldown."
    )
    update_every: Seconds | None = Field(
        default=None, examples=[30], description="Overrides alerts.update_every."
    )

    @model_validator(mode="after")
    def _says_something_that_can_be(self) -> "AlertRule":
        given = [name for name in _COUNTING if getattr(self, name) is not None]
        if not given and self.tell is None and self.severity is None:
            raise ValueError(f"changes nothing: say what holds, tell, severity or {', '.join(_COUNTING)}")
        cases = [name for name in _CASE if name in self.model_fields_set]
        if given and cases:
            raise ValueError(
                f"'{given[0]}' cannot depend on '{cases[0]}', only on stream and kind: make two rules of it"
            )
        if (self.alarming is None) is not (self.of is None):
            raise ValueError("'alarming' and 'of' belong together, as in 3 of 5: give both")
        if self.alarming is not None and self.of is not None and self.alarming > self.of:
            raise ValueError(f"never opens: {self.alarming} alarming frames of {self.of} cannot be")
        return self


class StormSettings(Section):
    """When too many alerts open at once, one alert speaks for those that come then."""

    more_than: int = Field(
        default=30, ge=1, le=10_000, description="It storms when more alerts of cameras than this open ..."
    )
    within: Seconds = Field(default=60, description="... within so many seconds, on all streams together.")
