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

    broker_url: str = Field(
        default="embedded",
        description="embedded, or kafka://HOST:PORT (several with commas), with the extra `kafka`",
    )
    kafka_prefix: str = Field(
        default="payments",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$",
        description="of topics and consumer groups",
    )
    kafka_partitions: int = Field(
        default=4, ge=1, le=1_000, description="of each topic; fixed once there are windows"
    )
    kafka_workers: int = Field(default=2, ge=1, le=64, description="processes that `stream` keeps")
    kafka_commit_every: int = Field(
        default=0, ge=0, description="messages between a worker's checkpoints; 0: one a second"
    )
    kafka_exactly_once: bool = Field(
        default=False, description="workers use Kafka's transactions, on a real broker"
    )
    kafka_options: dict[str, str] = Field(
        default_factory=dict[str, str], description="further settings of librdkafka, as JSON"
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
    def windows_dir(self) -> Path:
        """Local copies of the Kafka workers' windows; what is lost here is read from Kafka."""
        return self.data_dir / "kafka"

    @property
    def monitor_path(self) -> Path:
        """Alarms, and the state of the signals."""
        return self.data_dir / "monitor.db"

    @property
    def drift_path(self) -> Path:
        """While this file exists, the simulated world pays more: a drift on demand."""
        return self.data_dir / "drift"

    @property
    def dataset_dir(self) -> Path:
        """What `ingest` wrote."""
        return self.data_dir / "data"

    @property
    def models_dir(self) -> Path:
        """What `train` wrote last, before it was registered."""
        return self.data_dir / "models"

    @property
    def retrain_dir(self) -> Path:
        """What the command `retrain` wrote last: a data set, and its models."""
        return self.data_dir / "retrain"

    @property
    def registry_dir(self) -> Path:
        """Registered models."""
        return self.data_dir / "registry"

    @property
    def reports_dir(self) -> Path:
        """Evaluation and reproduction reports."""
        return self.data_dir / "reports"
