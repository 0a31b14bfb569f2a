"""Model card and data card: facts from the manifests, judgement from docs/card-text.toml.

The headings follow Mitchell et al., Model Cards for Model Reporting (2019), and Pushkarna et al.,
Data Cards (2022). Whatever can be counted comes from a run; a person writes only what it means.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from .errors import DocumentError
from .manifest import Artefact, Frozen, RunManifest
from .markdown import code, escape, table

NOTICE = "<!-- Written by a command from reports/ and card-text.toml; edit those, not this. -->"
SHORT = 12


class ModelText(Frozen):
    """What a person says of a model; each is one or more paragraphs of Markdown."""

    purpose: str = Field(min_length=1)
    intended_use: str = Field(min_length=1)
    out_of_scope: str = Field(min_length=1)
    factors: str = Field(min_length=1)
    evaluation: str = Field(min_length=1)
    ethical_considerations: str = Field(min_length=1)
    caveats: str = Field(min_length=1)


class DataText(Frozen):
    """What a person says of the data; each is one or more paragraphs of Markdown."""

    motivation: str = Field(min_length=1)
    composition: str = Field(min_length=1)
    collection: str = Field(min_length=1)
    processing: str = Field(min_length=1)
    privacy: str = Field(min_length=1)
    limits: str = Field(min_length=1)


class CardText(Frozen):
    """The two parts of card-text.toml."""

    model: ModelText
    data: DataText


def read_card_text(path: Path) -> CardText:
    """Read card-text.toml.

    Raises:
        DocumentError: the file is missing or malformed, or lacks a part.
    """
    try:
        return CardText.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise DocumentError(f"{path} is no TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DocumentError(f"{path}: {where}: {first['msg']}") from None


def model_card(train: RunManifest, text: ModelText) -> str:
    """Return the model card of what a training made and measured, as Markdown."""
    parts = [
        "# Model card",
        NOTICE,
        text.purpose,
        *_section("Model", _facts(train)),
        *_section("Files", _files(train.outputs)),
        *_section("Settings", _values(train.config)),
        *_section("Intended use", text.intended_use),
        *_section("Out of scope", text.out_of_scope),
        *_section("Factors", text.factors),
        *_section("Training data", _files(train.inputs)),
        *_section("Metrics", _values(train.metrics)),
        *_section("Evaluation", text.evaluation),
        *_section("Ethical considerations", text.ethical_considerations),
        *_section("Caveats", text.caveats),
        *_section("Environment", _environment(train)),
    ]
    return _document(parts)


def data_card(ingest: RunManifest, text: DataText) -> str:
    """Return the data card of what `ingest` wrote, as Markdown."""
    parts = [
        "# Data card",
        NOTICE,
        text.motivation,
        *_section("Composition", text.composition),
        *_section("Counts", _values(ingest.metrics)),
        *_section("Files", _files(ingest.outputs)),
        *_section("Collection", text.collection),
        *_section("Sources", _files(ingest.inputs)),
        *_section("Settings", _values(ingest.config)),
        *_section("Processing", text.processing),
        *_section("Privacy", text.privacy),
        *_section("Limits", text.limits),
        *_section("Provenance", _facts(ingest)),
    ]
    return _document(parts)


def _document(parts: list[str]) -> str:
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _section(title: str, body: str) -> tuple[str, ...]:
    return (f"## {title}", body) if body else ()


def _facts(run: RunManifest) -> str:
    rows = [
        ["Made by", code(run.kind)],
        ["Seed", code(run.seed)],
        ["Code, SHA-256", code(run.code_sha256[:SHORT])],
        ["Settings, SHA-256", code(run.config_sha256[:SHORT])],
        ["Lock, SHA-256", code((run.lock_sha256 or "none")[:SHORT])],
    ]
    return table(["fact", "value"], rows)


def _files(files: dict[str, Artefact]) -> str:
    rows = [
        [code(name), f"{file.size:,}", code(file.sha256[:SHORT])]
        for name, file in sorted(files.items())
    ]
    return table(["file", "bytes", "SHA-256"], rows) if rows else ""


def _values(values: Mapping[str, object]) -> str:
    rows = [[code(name), _value(value)] for name, value in sorted(values.items())]
    return table(["name", "value"], rows) if rows else ""


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(code(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return escape(f"{value:,}" if type(value) is int else value)


def _environment(run: RunManifest) -> str:
    where = run.environment
    rows = [
        ["Python", escape(where.python)],
        ["System", escape(f"{where.system} {where.machine}")],
        *([escape(name), escape(version)] for name, version in sorted(where.packages.items())),
    ]
    return table(["software", "version"], rows)
