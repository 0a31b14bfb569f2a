"""Commands for the index."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .serving import load_settings
from .settings import Settings

if TYPE_CHECKING:
    from .index import Index

index_app = typer.Typer(help="The vector index.")
Snapshot = Annotated[Path, typer.Argument(help="A file")]


@index_app.command()
def build(
    split: Annotated[list[str] | None, typer.Option(help="Of the data; may be repeated")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Samples of each split; 0: all")] = 0,
) -> None:
    """Write what was ingested into the index; what was written of other data before goes."""
    from .indexing import run  # noqa: PLC0415

    settings = load_settings(Settings)
    with _opened(settings) as index:
        for line in run(settings, index, split or [], limit):
            typer.echo(line)


@index_app.command()
def state() -> None:
    """Say what the index holds."""
    with _opened(load_settings(Settings)) as index:
        found = index.state()
    typer.echo(f"version {found.version}, model {found.model or 'none'}, dim {found.dim}")
    typer.echo(f"{found.documents:,} documents")
    for modality, count in sorted(found.vectors.items()):
        typer.echo(f"{count:,} vectors of {modality}")


@index_app.command()
def recall(
    searches: Annotated[int, typer.Option(min=1, help="How many questions to compare on")] = 100,
) -> None:
    """Measure approximate search against exact search, for each modality."""
    from .index import measure_recall  # noqa: PLC0415

    with _opened(load_settings(Settings)) as index:
        found = index.state()
        if not found.vectors:
            typer.echo("the index is empty; `index build` fills it")
        for target in sorted(found.vectors):
            one = measure_recall(index, found.model, target, searches)
            typer.echo(
                f"{target:<11} recall@10 {one.recall:.4f}  exact {one.exact_ms:.2f} ms"
                f"  approximate {one.approximate_ms:.2f} ms"
            )


@index_app.command()
def snapshot(file: Snapshot) -> None:
    """Write everything into one file, while the service goes on."""
    with _opened(load_settings(Settings)) as index:
        index.snapshot(file)
        typer.echo(f"{index.state().documents:,} documents in {file}")


@index_app.command()
def restore(file: Snapshot) -> None:
    """Replace the index by a snapshot, all or nothing; of either engine, into either."""
    with _opened(load_settings(Settings)) as index:
        index.restore(file)
        found = index.state()
    typer.echo(f"{found.documents:,} documents of model {found.model} restored")


@contextmanager
def _opened(settings: Settings) -> Generator[Index]:
    from .index import open_index  # noqa: PLC0415 - NumPy and the graphs, which --help can do without

    index = open_index(settings)
    try:
        yield index
    finally:
        index.close()
