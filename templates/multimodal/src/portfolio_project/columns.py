"""What rows of attributes can say: named columns of categories, the world's or one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, RootModel


class Column(BaseModel):
    """A column and its categories; the number of a category is its place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    values: tuple[str, ...]


class Columns(RootModel[tuple[Column, ...]]):
    """The columns of a table of attributes, in the order of a row."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def of(cls, values: Mapping[str, Iterable[str]]) -> Columns:
        """The columns whose names and categories these are."""
        return cls(tuple(Column(name=name, values=tuple(said)) for name, said in values.items()))

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns are called."""
        return tuple(column.name for column in self.root)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many categories each column has."""
        return tuple(len(column.values) for column in self.root)

    def allowed(self) -> dict[str, list[str]]:
        """Name -> categories, for people."""
        return {column.name: list(column.values) for column in self.root}

    def row(self, told: Mapping[str, str]) -> tuple[int, ...] | None:
        """The numbers of what `told` says; None where it leaves out a column or is unknown."""
        if any(told.get(column.name) not in column.values for column in self.root):
            return None
        return tuple(column.values.index(told[column.name]) for column in self.root)

    def told(self, row: Sequence[int]) -> dict[str, str]:
        """What a row of numbers says. Raises IndexError for a number out of range."""
        pairs = zip(self.root, row, strict=True)
        return {column.name: column.values[number] for column, number in pairs}

    def fault(self, told: Mapping[str, str]) -> str:
        """Why `told` makes no row, in a few words with what is allowed; empty if it makes one."""
        if unknown := sorted(told.keys() - set(self.names)):
            return f"there is no {unknown[0]!r}, only {', '.join(self.names)}"
        for column in self.root:
            if (value := told.get(column.name)) not in column.values:
                wrong = f"{column.name} is missing" if value is None else f"no {value!r}"
                return f"{wrong}; {column.name} is one of {', '.join(column.values)}"
        return ""
