"""Settings of this project: those of every service, the index's, and where its own files lie."""

from pathlib import Path

from pydantic import Field

from .serving.settings import ServingSettings


class Settings(ServingSettings):
    """Read from the environment and .env; see `.env.example`."""

    # Pictures and sounds travel in JSON, in base64: a third larger than their files.
    max_body_bytes: int = Field(default=12_000_000, ge=0)

    index_url: str = Field(
        default="",
        pattern=r"^($|postgresql://)",
        description="empty for the embedded index, or postgresql://USER@HOST/DATABASE",
    )
    max_pixels: int = Field(
        default=25_000_000, ge=1, description="a picture with more pixels is refused undecoded"
    )
    max_sound_seconds: float = Field(
        default=30.0, gt=0, allow_inf_nan=False, description="a longer sound is refused"
    )
    threads: int = Field(
        default=1, ge=1, le=64, description="of the model; more help one request, fewer help many"
    )
    batch_size: int = Field(default=32, ge=1, description="inputs that are embedded together")
    batch_wait_ms: float = Field(
        default=0.0, ge=0, description="how long the first of a batch waits for others on purpose"
    )
    batch_patience_seconds: float = Field(
        default=5.0, gt=0, description="an input that waits longer gets 503"
    )
    batch_queue: int = Field(default=256, ge=1, description="inputs that may wait; more get 503")
    recall_sample: int = Field(
        default=64, ge=0, description="searches compared with exact search by each check; 0: none"
    )

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
    def index_dir(self) -> Path:
        """The embedded index, and the pictures and sounds of what is indexed."""
        return self.data_dir / "index"

    @property
    def reports_dir(self) -> Path:
        """Evaluation and reproduction reports."""
        return self.data_dir / "reports"
