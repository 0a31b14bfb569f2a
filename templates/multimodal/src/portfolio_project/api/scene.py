"""A row of attributes, as a caller writes it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ..world.attributes import Background, Colour, Relation, Shape, Size, Texture


class SceneThing(BaseModel):
    """One object."""

    model_config = ConfigDict(extra="forbid")

    colour: Colour
    shape: Shape
    texture: Texture = "solid"
    size: Size = "large"


class Scene(BaseModel):
    """Two objects, how they lie to each other, and what is behind them."""

    model_config = ConfigDict(extra="forbid")

    first: SceneThing = Field(examples=[{"colour": "red", "shape": "circle"}])
    second: SceneThing = Field(examples=[{"colour": "blue", "shape": "star"}])
    relation: Relation = "left of"
    background: Background = "black"

    def facets(self) -> dict[str, str]:
        """The same as flat names and values."""
        flat = {"relation": str(self.relation), "background": str(self.background)}
        for name, thing in (("first", self.first), ("second", self.second)):
            flat |= {f"{name}.{part}": str(value) for part, value in thing.model_dump().items()}
        return flat
