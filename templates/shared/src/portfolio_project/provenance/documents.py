"""The project's documents, brought up to date from its reports, or checked against them.

    python -m PACKAGE.provenance documents            write figures, cards and tables
    python -m PACKAGE.provenance documents --check    fail when one of them drifted
    python -m PACKAGE.provenance publish              take the last runs' reports, then write

What a run writes lies in var/, which git ignores: reports in var/reports, the manifest of the data
in var/data/run.json, the manifest of the serving model in var/registry. Publishing is a decision:
they are copied to reports/ (as NAME.json, ingest.json and train.json), committed, and shown.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic.fields import FieldInfo

from .cards import data_card, model_card, read_card_text
from .durable import replace_file
from .errors import DocumentError, ProvenanceError
from .figures import Figures, Source, write_documents
from .manifest import RUN_NAME, VOLATILE, read_run
from .markdown import code, table
from .ml_test_score import read_rows, summary
from .registry import Registry

REPORTS = Path("reports")
DATA = Path("var")
CARD_TEXT = Path("docs/card-text.toml")
MODEL_CARD = Path("docs/model-card.md")
DATA_CARD = Path("docs/data-card.md")
SCORE = Path("docs/ml-test-score.md")
CARDS = (MODEL_CARD, DATA_CARD)


def documents() -> list[Path]:
    """Return the documents that may show figures; the cards are written whole."""
    return [Path("README.md"), *sorted(set(Path("docs").rglob("*.md")) - set(CARDS))]


def sources() -> dict[str, Source]:
    """Return the sources of figures besides the reports."""
    return {
        "settings": settings_table,
        "ml-test-score": lambda: summary(read_rows(SCORE.read_text(encoding="utf-8"))),
    }


def settings_table() -> str:
    """Return a table of the settings: variable, default and meaning."""
    from ..settings import Settings  # noqa: PLC0415 - the family's, only when asked for

    prefix = str(Settings.model_config.get("env_prefix", ""))
    rows = [
        [
            code(f"{prefix}{name}".upper()),
            _default(field),
            (field.description or "").replace("|", "\\|"),  # Markdown of our own
        ]
        for name, field in Settings.model_fields.items()
    ]
    return table(["variable", "default", "meaning"], rows)


def _default(field: FieldInfo) -> str:
    value: object = field.get_default(call_default_factory=True, validated_data={})
    return "" if value in (None, (), "", {}) else code(value)


def update(*, check: bool = False) -> list[str]:
    """Write every document from its reports, in the current folder; return what changed.

    Raises:
        ProvenanceError: a report, a manifest or a figure is missing or malformed.
    """
    return [*update_cards(check=check), *update_figures(check=check)]


def update_figures(*, check: bool = False) -> list[str]:
    """Fill the figures of README.md and docs/ in; return what changed.

    Raises:
        DocumentError: a figure is unknown, or a mark is not closed.
    """
    return write_documents(documents(), Figures(REPORTS, sources()).fill, check=check)


def update_cards(*, check: bool = False) -> list[str]:
    """Write the model card and the data card; return what changed.

    Raises:
        ProvenanceError: a manifest in reports/ or docs/card-text.toml is missing or malformed.
    """
    text = read_card_text(CARD_TEXT)
    ingest, train = (read_run(REPORTS / f"{kind}.json") for kind in ("ingest", "train"))
    cards: dict[Path, Callable[[str], str]] = {
        MODEL_CARD: lambda _: model_card(train, text.model),
        DATA_CARD: lambda _: data_card(ingest, text.data),
    }
    return [
        line
        for path, produce in cards.items()
        for line in write_documents([path], produce, check=check)
    ]


def publish(data: Path = DATA) -> list[Path]:
    """Copy what the last runs reported to reports/, to be committed; return the files written.

    Raises:
        ProvenanceError: nothing was run yet, or the serving model was tampered with.
        OSError: reports/ cannot be written.
    """
    found = {
        path.name: path.read_bytes()
        for path in sorted((data / "reports").glob("*.json"))
        if not path.name.endswith(VOLATILE)
    }
    if (data / "data" / RUN_NAME).exists():
        found["ingest.json"] = read_run(data / "data" / RUN_NAME).to_bytes()
    if serving := Registry(data / "registry").current():
        found["train.json"] = serving.manifest.to_bytes()
    if not found:
        raise DocumentError(f"{data} holds no report yet. Run make train, make evaluate")
    for name, content in found.items():
        replace_file(REPORTS / name, content)
    return [REPORTS / name for name in found]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two commands; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("publish", help="take the last runs' reports, then write")
    write = commands.add_parser("documents", help="write figures, cards and tables")
    write.add_argument("--check", action="store_true", help="write nothing; fail on a drift")
    chosen = parser.parse_args(arguments)
    check = chosen.command == "documents" and chosen.check
    try:
        published = publish() if chosen.command == "publish" else []
        changed = update(check=check)
    except ProvenanceError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line tells its user
        return 2
    for line in [*(f"published {path}" for path in published), *changed]:
        print(line)  # noqa: T201
    if check and changed:
        print("documents drifted: run them again without --check", file=sys.stderr)  # noqa: T201
        return 1
    return 0
