"""What shapes a model, besides data and code."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Algorithm = Literal["lightgbm", "logistic"]


class TrainConfig(BaseModel):
    """Everything that shapes a model, besides data and code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: Algorithm = "lightgbm"
    train_days: int = Field(default=14, ge=1)
    test_days: int = Field(default=7, ge=1)
    cards_checked: int = Field(default=100, ge=1)
    """How many cards a team can check each day."""
    check_cost: float = Field(default=5.0, gt=0)
    """Cost of one alert, in the currency unit."""
    seed: int = Field(default=0, ge=0, lt=2**32)
