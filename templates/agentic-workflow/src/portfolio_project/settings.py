"""Settings of this project: those of every service, and those of the desk."""

import re
from decimal import Decimal
from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from .serving.settings import ServingSettings


class Settings(ServingSettings):
    """Read from the environment and .env; see `.env.example`."""

    database_url: str = Field(
        default="", description="postgresql://...; SQLite in the data folder by default"
    )
    workers: int = Field(default=1, ge=0, le=64, description="processes that work tickets")
    worker_concurrency: int = Field(default=4, ge=1, description="tickets at once in each")

    model: str = Field(
        default="local", description="local, or what pydantic-ai knows: openai:NAME, ollama:NAME"
    )
    model_url: str = Field(default="", description="http://127.0.0.1:8080/v1, of your own server")
    model_api_key: SecretStr | None = None
    fallback_model: str = Field(default="", description="asked when `model` can't answer")
    model_timeout_seconds: float = Field(default=20.0, gt=0)
    confidence_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="below it a person takes over; the model's own if unset",
    )

    max_requests: int = Field(default=8, ge=1, description="model requests for one ticket")
    max_tool_calls: int = Field(default=8, ge=1)
    max_tokens: int = Field(default=60_000, ge=1)
    max_cost_usd: Decimal = Field(default=Decimal("0.50"), gt=0)
    ticket_timeout_seconds: float = Field(default=120.0, gt=0, description="without waiting")
    approval_timeout_seconds: float = Field(default=604_800.0, gt=0)

    follow_seconds: float = Field(
        default=300.0, gt=0, description="a live stream ends after this; the client resumes it"
    )
    otel_content: bool = Field(default=False, description="put tickets and answers into spans")

    @field_validator("database_url")
    @classmethod
    def _through_psycopg(cls, url: str) -> str:
        """A URL need not name the one driver for PostgreSQL that this project brings."""
        return re.sub("^postgres(ql)?://", "postgresql+psycopg://", url)

    @property
    def world_url(self) -> str:
        """Where the company's records are."""
        return self.database_url or f"sqlite:///{self.data_dir / 'world.db'}"

    @property
    def workflows_url(self) -> str:
        """Where the durable engine keeps its steps: beside the records on PostgreSQL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'workflows.db'}"

    @property
    def corpus_dir(self) -> Path:
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
    def evaluation_dir(self) -> Path:
        """The last evaluation, ticket by ticket, and its page."""
        return self.data_dir / "evaluation"

    @property
    def reports_dir(self) -> Path:
        """Evaluation and reproduction reports."""
        return self.data_dir / "reports"
