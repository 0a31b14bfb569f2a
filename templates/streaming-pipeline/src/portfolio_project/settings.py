"""Settings of this project: those of every service, and where its own files lie."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from .serving.settings import ServingSettings


class Settings(ServingSettings):
    """Read from the environment and .env; see `.env.example`."""

    clock: Literal["wall", "stream"] = Field(
        default="wall",
        description="what time it is for an event that arrives at the API: now, or the time of "
        "the newest event in the log (for simulated streams)",
    )
    feed_seconds: float = Field(
        default=300.0, gt=0, description="a live feed ends after this; the client resumes it"
    )

    @property
    def log_path(self) -> Path:
        """The event log."""
        return self.data_dir / "log.db"

    @property
    def store_path(self) -> Path:
        """Predictions, state, dead letters."""
        return self.data_dir / "stream.db"

    @property
    def dataset_dir(self) -> Path:
        """What `ingest` wrote."""
        return self.data_dir / "data"

    @property
    def models_dir(self) -> Path:
        """What `train` wrote last, before it was registered."""
        return self.data_dir / "models"

    @property
    def registry_dir(self) -> Path:
        """Registered models."""
        return self.data_dir / "registry"

    @property
    def reports_dir(self) -> Path:
        """Evaluation and reproduction reports."""
        return self.data_dir / "reports"
